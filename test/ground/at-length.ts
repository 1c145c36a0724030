/** Whether each thing is proved once, as `npm test` does, or in all its variations, as whatever else does. */
export const brief = process.env['TEST_BRIEF'] !== undefined;

type Declare = (title: string, body: () => void | Promise<void>, timeoutMs?: number) => void;

/**
 * Declares a test, or a group of them, that `npm test` leaves to `npm test -- everything`: it takes long, and varies what
 * a quicker one proves.
 */
export function atLength(declare: Declare): Declare {
  return brief ? () => undefined : declare;
}
