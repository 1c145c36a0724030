/** A Docker host that its worker reaches over SSH, as the worker's settings name it. */
export type SshHost = {
  readonly name: string;
  readonly user: string;
  readonly address: string;
  readonly port: number;
  /** The only host key that it may show. */
  readonly hostKey: HostKey;
  /** The file of the private key that opens it. */
  readonly identityFile: string;
  /** The socket of its engine, on the host. */
  readonly socketPath: string;
  /** The id that its engine must have, whatever is on record; as on record when absent. */
  readonly engine?: string;
};

/** A public key of a host: its type, and the key as SSH sends it, in base64. */
export type HostKey = { readonly type: string; readonly base64: string };

/** A host and where it is, for people: `host b1 (creel@10.0.0.5:22)`. */
export function describeSshHost({ name, user, address, port }: Omit<SshHost, 'engine'>): string {
  return `host ${name} (${user}@${address}:${port})`;
}
