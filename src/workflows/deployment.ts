import { CancellationScope, condition, continueAsNew, setCurrentDetails, workflowInfo } from '@temporalio/workflow';

/**
 * Holds a namespace for one deployment, for ever. What it says stands in its memo (id, layout, key id, key check), which anybody
 * reads without a worker and which continue-as-new passes on. Cancelling it changes nothing.
 */
export async function deployment(): Promise<void> {
  setCurrentDetails(
    'Says which deployment of creel this namespace belongs to: see the memo. It never ends; do not terminate it.',
  );
  await CancellationScope.nonCancellable(async () => {
    await condition(() => workflowInfo().continueAsNewSuggested);
    await continueAsNew<typeof deployment>();
  });
}
