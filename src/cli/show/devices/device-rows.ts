import { shortId, type DeviceList, type KnownDevice, type PairedDevice } from '../../../domain/devices/device.js';
import { plain } from '../../../domain/heard.js';
import { nameCharacters } from '../../../domain/thresholds.js';
import { ago } from '../time-text.js';

/** The devices of a gateway as table rows: those that ask to be let in first, then those that are paired. */
export function deviceRows({ own, paired, pending }: DeviceList, approved: readonly string[], now: number): string[][] {
  const by = (deviceId: string, via: string) => {
    if (deviceId === own) return 'creel (its own)';
    if (approved.includes(deviceId)) return 'creel';
    return { bootstrap: 'a one-time link', silent: 'from inside' }[via] ?? 'somebody else';
  };
  return [
    ...pending.map((each) => [
      ...shown(each, `asks, ${ago(new Date(each.ts).toISOString(), now)}, from ${each.remoteIp}`),
      '',
      '',
    ]),
    ...paired.map((each) => [...shown(each, 'paired'), by(each.deviceId, each.approvedVia), lastSeen(each, now)]),
  ];
}

function lastSeen({ connected, lastSeenAtMs }: PairedDevice, now: number): string {
  if (connected) return 'connected';
  return lastSeenAtMs === 0 ? 'never' : ago(new Date(lastSeenAtMs).toISOString(), now);
}

function shown({ deviceId, displayName, clientId, platform, roles, scopes }: KnownDevice, state: string): string[] {
  const name = plain(displayName || clientId, nameCharacters);
  return [shortId(deviceId), name, plain(platform, nameCharacters), state, roles.join(', '), scopes.join(', ')];
}
