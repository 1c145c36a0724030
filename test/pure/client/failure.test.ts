import { expect, it } from 'vitest';
import { NoWorker, unwrap } from '../../../src/client/failure.js';

it('a namespace without search attributes is told in our words first: what is missing, and what to start', () => {
  const details = "invalid query: column name 'OperationKind' is not a valid search attribute";
  const failure = unwrap(Object.assign(new Error('3 INVALID_ARGUMENT'), { code: 3, details }));
  expect(failure).toBeInstanceOf(NoWorker);
  expect(failure.message).toMatch(
    /^creel's search attributes are missing in this namespace: start a worker .*docs\/runbook\.md#search-attributes-missing.* Temporal says: invalid query/,
  );
});
