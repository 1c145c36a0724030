import { catalogue, knownReleases } from './recipe.mjs';
import { Problem } from './say.mjs';

export const usage = `Usage: scripts/bootstrap [options]

Gets what creel needs on this machine: npm dependencies, a temporal binary, a Docker engine, the gateway image.
Prints nothing when all of it is there.

  --release VERSION  also the image of that release, and says how creel is told of it (may be repeated; known: ${knownReleases().join(', ')})
  --quiet            says nothing of an image that is there
  --browser          also a browser (Chromium or Google Chrome), for the tests that open the Control UI
  --openssl          also openssl, by which the tests make certificates
  --plain            also the image of the pinned release (${catalogue.pinned}) without the compile cache, for the benchmark
  --machine          also the image of a machine that is a container, for npm run demo -- --host lightsail
  --no-image         no image is needed
  --no-engine        neither engine nor image is needed
  --no-temporal      no temporal binary is needed
  --help             this text
`;

/** Reads the command line into { help, temporal, engine, browser, openssl, machine, releases, named, plain }. */
export function readOptions(argv) {
  const wanted = {
    help: false,
    temporal: true,
    engine: true,
    image: true,
    browser: false,
    openssl: false,
    machine: false,
    plain: false,
    quiet: false,
    named: [],
  };
  const flags = {
    '--help': { help: true },
    '--browser': { browser: true },
    '--openssl': { openssl: true },
    '--machine': { machine: true },
    '--plain': { plain: true },
    '--quiet': { quiet: true },
    '--no-image': { image: false },
    '--no-engine': { engine: false, image: false },
    '--no-temporal': { temporal: false },
  };
  const rest = argv.flatMap((word) =>
    word.startsWith('--release=') ? ['--release', word.slice('--release='.length)] : [word],
  );
  while (rest.length > 0) {
    const word = rest.shift();
    if (word === '--release') wanted.named.push(knownRelease(rest.shift()));
    else if (flags[word]) Object.assign(wanted, flags[word]);
    else throw new Problem(`unknown option ${word}: scripts/bootstrap --help`);
  }
  const releases = wanted.image ? [...new Set([catalogue.pinned, ...wanted.named])] : [];
  return {
    help: wanted.help,
    temporal: wanted.temporal,
    engine: wanted.engine,
    browser: wanted.browser,
    openssl: wanted.openssl,
    machine: wanted.machine,
    releases,
    named: wanted.image && !wanted.quiet ? [...new Set(wanted.named)] : [],
    plain: wanted.image && wanted.plain,
  };
}

function knownRelease(release) {
  if (knownReleases().includes(release)) return release;
  throw new Problem(`--release ${release ?? ''}: not in image/releases.json (known: ${knownReleases().join(', ')})`);
}
