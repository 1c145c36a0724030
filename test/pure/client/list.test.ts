import { Client, type ConnectionLike } from '@temporalio/client';
import { encodeUnifiedSearchAttributes } from '@temporalio/common/lib/converter/payload-search-attributes.js';
import { defaultPayloadConverter } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { describe, expect, it } from 'vitest';
import { lookAtRecords } from '../../../src/client/fleet.js';
import { list, listRunning } from '../../../src/client/gateways.js';
import { gatewayIdKey, gatewayPhaseKey } from '../../../src/wire/search-attributes.js';

const { ListWorkflowExecutionsRequest, ListWorkflowExecutionsResponse } = temporal.api.workflowservice.v1;

/** The most that a Temporal server puts on one page. */
const mostOnPage = 1_000;

/** A server that knows nothing but visibility, of so many gateways; it counts what it is asked. */
class Visibility {
  readonly asked: temporal.api.workflowservice.v1.ListWorkflowExecutionsRequest[] = [];
  readonly others: string[] = [];
  readonly #gateways: number;
  readonly #fleet: ((number: number) => object | undefined) | undefined;

  constructor(gateways: number, fleet?: (number: number) => object | undefined) {
    this.#gateways = gateways;
    this.#fleet = fleet;
  }

  client(): Client {
    const workflowService = temporal.api.workflowservice.v1.WorkflowService.create((method, bytes, answer) => {
      if (method.name !== 'ListWorkflowExecutions') {
        this.others.push(method.name);
        return answer(new Error(`${method.name} is not known here`), null);
      }
      answer(null, this.#page(ListWorkflowExecutionsRequest.decode(bytes)));
    });
    const withDeadline = (_deadline: unknown, call: () => unknown) => call();
    const connection = { workflowService, plugins: [], ensureConnected: async () => undefined, withDeadline };
    return new Client({ connection: connection as unknown as ConnectionLike });
  }

  #page(request: temporal.api.workflowservice.v1.ListWorkflowExecutionsRequest): Uint8Array {
    this.asked.push(request);
    const from = Number(Buffer.from(request.nextPageToken).toString() || '0');
    const size = Math.min(request.pageSize || mostOnPage, mostOnPage);
    const to = Math.min(from + size, this.#gateways);
    const executions = Array.from({ length: to - from }, (_, index) => execution(from + index, this.#fleet));
    const nextPageToken = to < this.#gateways ? Buffer.from(String(to)) : Buffer.alloc(0);
    return ListWorkflowExecutionsResponse.encode({ executions, nextPageToken }).finish();
  }
}

async function gathered<T>(rows: AsyncGenerator<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const row of rows) found.push(row);
  return found;
}

function execution(number: number, fleet: (number: number) => object | undefined = () => undefined) {
  const told = fleet(number);
  const indexedFields = encodeUnifiedSearchAttributes(undefined, [
    { key: gatewayIdKey, value: `g${number}` },
    { key: gatewayPhaseKey, value: 'ready' },
  ]);
  return temporal.api.workflow.v1.WorkflowExecutionInfo.fromObject({
    execution: { workflowId: `gateway/g${number}`, runId: 'run' },
    type: { name: 'gateway' },
    startTime: { seconds: number },
    status: 'WORKFLOW_EXECUTION_STATUS_RUNNING',
    searchAttributes: { indexedFields },
    ...(told && { memo: { fields: { fleet: defaultPayloadConverter.toPayload(told) } } }),
  });
}

describe('creel list', () => {
  it('reads 1,000 gateways in one call, and asks none of them', async () => {
    const visibility = new Visibility(1_000);
    const found = await gathered(list(visibility.client()));
    expect(found).toHaveLength(1_000);
    expect(found.at(-1)).toMatchObject({ gateway: 'g999', phase: 'ready' });
    expect(visibility.asked).toHaveLength(1);
  });

  it('reads more of them page by page, each once, with the same question', async () => {
    const visibility = new Visibility(2_500);
    const found = await gathered(list(visibility.client(), "GatewayPhase = 'ready'"));
    expect(new Set(found.map(({ gateway }) => gateway)).size).toBe(2_500);
    expect(visibility.asked.map(({ query }) => query)).toEqual(
      Array(3).fill("WorkflowType = 'gateway' AND ExecutionStatus = 'Running' AND GatewayPhase = 'ready'"),
    );
  });

  it('asks for what runs in the same pages', async () => {
    const visibility = new Visibility(1_500);
    expect(await gathered(listRunning(visibility.client()))).toHaveLength(1_500);
    expect(visibility.asked).toHaveLength(2);
  });
});

describe('creel rotate --all --dry-run', () => {
  const place = { provider: 'local', host: 'local' };

  it('looks at 10,000 gateways in ten calls, and asks none of them', async () => {
    const visibility = new Visibility(10_000, (number) => ({
      birth: 'aaaaaa',
      place,
      ...(number % 2 === 0 && { rotation: 'scheduled' }),
      ...(number % 10 === 0 && { removing: true }),
    }));
    const fleet = await lookAtRecords(visibility.client(), 'r1');
    expect(visibility.asked).toHaveLength(10);
    expect(visibility.others).toEqual([]);
    expect(fleet.members).toHaveLength(4_000);
    expect(fleet.members).toContainEqual({ gateway: 'g2', birth: 'aaaaaa', place });
    expect(fleet.leftOut).toHaveLength(6_000);
    expect(fleet.leftOut).toContainEqual({ gateway: 'g1', reason: 'its spec says rotation: manual' });
    expect(fleet.leftOut).toContainEqual({ gateway: 'g10', reason: 'it is being removed' });
  });

  it('asks a gateway whose record says too little', async () => {
    const visibility = new Visibility(3, (number) => (number === 1 ? undefined : { birth: 'aaaaaa', place }));
    await expect(lookAtRecords(visibility.client(), 'r1')).rejects.toThrow();
    expect(visibility.others).toEqual(['QueryWorkflow']);
  });
});
