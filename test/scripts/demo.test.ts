import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Checkout } from './checkout.js';

let checkout: Checkout;
beforeEach(() => {
  checkout = new Checkout();
});
afterEach(() => checkout.remove());

/** Every file of the checkout's home: what a script has begun to do. */
const begun = () => fs.readdirSync(checkout.home);

describe('npm run demo', () => {
  it('is scripts/demo, which sees its options before anything is got', () => {
    const { scripts } = JSON.parse(fs.readFileSync('package.json', 'utf8'));
    expect(scripts.demo).toBe('scripts/demo');
  });

  it.each(['--help', '-h'])('%s prints its options and does nothing', async (flag) => {
    const { code, said } = await checkout.run(['scripts/demo', flag]);
    expect({ code, said }).toMatchObject({
      code: 0,
      said: expect.stringMatching(/^Usage: npm run demo.*--keep.*--once/s),
    });
    expect(begun()).toEqual([]);
  });

  it.each([['--onec'], ['--once', '--fast'], ['keep']])(
    'of unknown options (%s) is one sentence, and does nothing',
    async (...flags) => {
      const { code, said, complained } = await checkout.run(['scripts/demo', ...flags]);
      expect({ code, said }).toEqual({ code: 2, said: '' });
      expect(complained).toMatch(new RegExp(`^demo: unknown option ${flags.at(-1)}; the options are .*\\n$`));
      expect(begun()).toEqual([]);
    },
  );

  it('gets what is needed, builds, and becomes the demo with its options', async () => {
    checkout.write('scripts/bootstrap', '#!/bin/sh\necho bootstrapped\n');
    checkout.write('scripts/build.mjs', "console.log('built');");
    checkout.write(
      'dist/src/dev/demo.js',
      "console.log('demo', process.pid, ...process.argv.slice(2)); process.exitCode = 7;",
    );
    const started = checkout.start(['scripts/demo', '--once', '--keep']);
    let said = '';
    started.stdout?.on('data', (chunk) => (said += String(chunk)));
    const code = await new Promise((resolve) => started.once('close', resolve));
    expect({ code, said }).toEqual({ code: 7, said: `bootstrapped\nbuilt\ndemo ${started.pid} --once --keep\n` });
  });

  it.each([
    [['--host', 'lightsail'], '--machine'],
    [['--host=lightsail', '--once'], '--machine'],
    [['--host', 'lightsail', '--region', 'eu-central-1', '--yes=demo'], ''],
    [['--once'], ''],
  ])('with %o has bootstrap get the image of a machine only where one is a container', async (flags, wanted) => {
    checkout.write('scripts/bootstrap', '#!/bin/sh\necho "wanted $*"\n');
    checkout.write('scripts/build.mjs', '');
    checkout.write('dist/src/dev/demo.js', "console.log(process.argv.slice(2).join(' '));");
    const { said } = await checkout.run(['scripts/demo', ...flags]);
    expect(said).toBe(`wanted ${wanted}\n${flags.join(' ')}\n`);
  });

  it.each([
    [['--host', 'moon'], '--host moon: it is lightsail'],
    [['--region', 'eu-central-1'], 'it goes with --host lightsail'],
  ])('with %o does nothing, and says why', async (flags, why) => {
    const { code, complained } = await checkout.run(['scripts/demo', ...flags]);
    expect({ code, complained }).toMatchObject({ code: 2, complained: expect.stringContaining(why) });
    expect(begun()).toEqual([]);
  });

  it('builds nothing where something is missing', async () => {
    checkout.write('scripts/bootstrap', '#!/bin/sh\nexit 1\n');
    checkout.write('scripts/build.mjs', "console.log('built');");
    expect(await checkout.run(['scripts/demo'])).toMatchObject({ code: 1, said: '' });
  });
});
