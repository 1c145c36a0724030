import type { LogScenarios, RecordedLog } from '../recording/recorded-log.js';

const asked = (log: RecordedLog) => log.ask();
const ended = (log: RecordedLog) => log.ended();

/** Readings of a gateway's log. */
export const readings: LogScenarios = {
  'log-read': { asked: [asked], exported: ended },
  'log-silent': { limits: { follow: true }, asked: [asked, asked], exported: ended },
  'log-left': { limits: { follow: true }, asked: [asked, (log) => log.leave()], exported: ended },
  'log-reading': { limits: { follow: true }, asked: [asked, (log) => log.holdNext()], exported: (log) => log.held() },
};
