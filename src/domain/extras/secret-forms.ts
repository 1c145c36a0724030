/** The forms in which providers and channels give their tokens out, wherever in a text they stand. */
const forms: readonly RegExp[] = [
  /\bsk-[\w-]{16,}/,
  /\bxox[abeprs]-[\w-]{8,}|\bxapp-[\w-]{8,}/,
  /\bgh[opsru]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}/,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[\w-]{30,}|\bya29\.[\w-]{16,}/,
  /\b(?:hf|gsk|xai|pplx|tvly|npm|dop_v1|rk_live|sk_live|sk_test)[_-]\w{16,}/,
  /\b\d{6,12}:[\w-]{32,}/,
  /\b[\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,}/,
  /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /^bearer\s+\S{8,}$/i,
  /^[a-z][a-z\d+.-]*:\/\/[^/\s]*:[^/\s]*@/i,
];

/** Whether a text has a known form of a token or a key, or is an address with a password in it. */
export function hasSecretForm(text: string): boolean {
  return forms.some((form) => form.test(text));
}

/** Whether a name says that its value is a secret; one that says where a secret lies does not. */
export function namesSecret(name: string): boolean {
  const plain = name.toLowerCase().replaceAll(/[^a-z\d]/g, '');
  return /(apikey|secretkey|privatekey|accesskey|signingkey|token|secret|password|passwd|passphrase|credentials?|authorization|cookie)$/.test(
    plain,
  );
}
