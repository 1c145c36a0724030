import { hkdfSync } from 'node:crypto';
import type Dockerode from 'dockerode';

/** What names a gateway of the first layout. */
export type FirstGateway = {
  readonly deployment: string;
  readonly id: string;
  readonly birth: string;
  readonly image: string;
  readonly release: string;
  readonly port: number;
  readonly subnet: string;
};

/**
 * Makes a gateway as the first version of creel made it: these literals were taken from that version, and nothing here asks
 * today's code for a name, a label, a path or a derivation. It is never to be edited.
 */
export async function makeFirstGateway(docker: Dockerode, gateway: FirstGateway, keyHex: string): Promise<void> {
  const { id, birth, image, port } = gateway;
  const base = `oc-${id}-${birth}`;
  const Labels = {
    'creel.deployment': gateway.deployment,
    'creel.gateway': id,
    'creel.birth': birth,
    'creel.layout': '1',
  };
  await docker.createVolume({ Name: `${base}-state`, Labels });
  await docker.createNetwork({
    Name: base,
    Driver: 'bridge',
    Labels: { ...Labels, 'creel.port': String(port) },
    IPAM: { Driver: 'default', Config: [{ Subnet: gateway.subnet }] },
  });
  const container = await docker.createContainer({
    name: base,
    Hostname: base,
    Image: image,
    Labels: {
      ...Labels,
      'creel.release': gateway.release,
      'creel.shape': JSON.stringify({ cpus: 2, imageId: image, memoryMb: 2048, port }),
    },
    Cmd: ['node', 'openclaw.mjs', 'gateway'],
    Env: ['HOME=/home/node'],
    ExposedPorts: { '18789/tcp': {} },
    HostConfig: {
      Init: true,
      NetworkMode: base,
      PortBindings: { '18789/tcp': [{ HostIp: '127.0.0.1', HostPort: String(port) }] },
      Mounts: [{ Type: 'volume', Source: `${base}-state`, Target: '/home/node/.openclaw' }],
      Tmpfs: {
        '/tmp': 'rw,nosuid,nodev,mode=1777',
        '/home/node/.cache': 'rw,uid=1000,gid=1000,mode=700',
      },
      Memory: 2048 * 1024 ** 2,
      MemorySwap: 2048 * 1024 ** 2,
      NanoCpus: 2e9,
      PidsLimit: 512,
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges:true'],
      RestartPolicy: { Name: 'unless-stopped' },
    },
  });
  await container.start();
  const exec = await container.exec({
    Cmd: ['sh', '-c', 'umask 077; cat > /home/node/.openclaw/openclaw.json'],
    AttachStdin: true,
    AttachStdout: true,
  });
  const stream = await exec.start({ hijack: true, stdin: true });
  stream.end(firstConfig(firstToken(gateway, keyHex), port));
  await new Promise((resolve) => stream.on('close', resolve).resume());
  await container.restart({ t: 1 }); // It found no config at its first start.
}

/** The gateway token of generation 1, derived as the first version derived it. */
export function firstToken({ deployment, id, birth }: FirstGateway, keyHex: string): string {
  const info = ['creel layout 1', deployment, id, birth, 'token', '1'].join('\0');
  return Buffer.from(hkdfSync('sha256', Buffer.from(keyHex, 'hex'), Buffer.alloc(0), info, 32)).toString('base64url');
}

function firstConfig(token: string, port: number): string {
  const config = {
    gateway: {
      mode: 'local',
      bind: 'lan',
      port: 18_789,
      auth: { mode: 'token', token, rateLimit: { maxAttempts: 10, windowMs: 60_000, lockoutMs: 60_000 } },
      remote: { token },
      controlUi: { allowedOrigins: [`http://127.0.0.1:${port}`, `http://localhost:${port}`] },
    },
    agents: { defaults: { workspace: '/home/node/.openclaw/workspace' } },
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}
