import { capacityStatus, instancePermitBatch, permitBatch } from '@sluice/contracts'
import { type Bus, serve } from '@sluice/messaging'
import type { ConnectionCounters } from '../application/connection-counters.ts'

/** Serves exchanges, to this instance and to any, and the status. The function returned stops taking and answers what is taken. */
export function serveCapacity(
  bus: Bus,
  counters: ConnectionCounters,
  instance: string,
  onFault: (error: unknown, subject: string) => void,
): () => Promise<void> {
  const served = [
    serve(bus, permitBatch, (request, [connectionId]) => counters.permitBatch(connectionId, request), { onFault }),
    serve(bus, instancePermitBatch, (request, [, connectionId]) => counters.permitBatch(connectionId, request), {
      onFault,
      identifiers: [instance],
    }),
    serve(bus, capacityStatus, (_request, [connectionId]) => counters.status(connectionId), { onFault }),
  ]
  return async () => {
    await Promise.all(served.map((each) => each.stop()))
  }
}
