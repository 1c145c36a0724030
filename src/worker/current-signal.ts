import { asyncLocalStorage } from '@temporalio/activity';

/** The abort signal of the activity that is calling, for adapters; undefined outside of one. */
export function currentSignal(): AbortSignal | undefined {
  return asyncLocalStorage.getStore()?.cancellationSignal;
}
