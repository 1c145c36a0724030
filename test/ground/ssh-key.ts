import ssh2 from 'ssh2';

/** A private key that opens machines of a test or a bench. Some of the pairs that ssh2 makes are malformed, and read by nobody. */
export function newSshKey(): string {
  const { private: made } = ssh2.utils.generateKeyPairSync('ed25519');
  return ssh2.utils.parseKey(made) instanceof Error ? newSshKey() : made;
}
