import {
  type Cost,
  instancePermitBatch,
  type Outcome,
  type PermitBatchRequest,
  permitBatch,
  type ResponseBatch,
  responses,
  subjectPattern,
} from '@sluice/contracts'
import type { Bus } from '@sluice/messaging'

/** Sums of everything that is sent on the bus about the requests of the soak. */
export interface Ledger {
  /** The request ids in response events. */
  readonly eventIds: ReadonlySet<string>
  readonly repeatedEvents: number
  /** Denied requests without an event of their own, as another event counts them. */
  readonly summedUp: number
  /** Events of requests of which something was sent to the provider. */
  readonly sentEvents: number
  readonly outcomes: ReadonlyMap<Outcome, number>
  /** The reserved and the actual costs in settlements. */
  readonly settledReservation: Cost
  readonly settledCost: Cost
}

/** Starts listening. A batch that is sent again counts once. */
export async function keepLedger(bus: Bus): Promise<Ledger> {
  const eventIds = new Set<string>()
  const outcomes = new Map<Outcome, number>()
  const ledger = {
    eventIds,
    outcomes,
    repeatedEvents: 0,
    summedUp: 0,
    sentEvents: 0,
    settledReservation: { requests: 0, tokens: 0 },
    settledCost: { requests: 0, tokens: 0 },
  }

  const isNewBatch = onceInOrder()
  const listen = <T>(subject: string, take: (message: T) => void): void => {
    bus.connection.subscribe(subject, {
      callback: (error, message) => {
        if (error) throw error
        take(message.json<T>())
      },
    })
  }
  listen<ResponseBatch>(subjectPattern(responses.subject), ({ gateway, batch, events }) => {
    if (!isNewBatch(gateway, batch)) return
    for (const { requestId, requests = 1, outcome, upstreamMs } of events) {
      if (eventIds.has(requestId)) ledger.repeatedEvents += 1
      eventIds.add(requestId)
      ledger.summedUp += requests - 1
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + requests)
      if (upstreamMs !== undefined) ledger.sentEvents += 1
    }
  })

  const isNewPermitBatch = onceInOrder()
  const takeBatch = ({ gateway, seq, settlements }: PermitBatchRequest): void => {
    if (!isNewPermitBatch(gateway, seq)) return
    for (const { reserved, actual } of settlements) {
      add(ledger.settledReservation, reserved)
      add(ledger.settledCost, actual)
    }
  }
  listen(subjectPattern(permitBatch.subject), takeBatch)
  listen(subjectPattern(instancePermitBatch.subject), takeBatch)
  await bus.connection.flush()
  return ledger
}

/** Returns a function that returns true if a sender's number is new; each sender counts up. */
function onceInOrder(): (sender: string, number: number) => boolean {
  const latest = new Map<string, number>()
  return (sender, number) => {
    if (number <= (latest.get(sender) ?? 0)) return false
    latest.set(sender, number)
    return true
  }
}

function add(sum: Cost, { requests, tokens }: Cost): void {
  sum.requests += requests
  sum.tokens += tokens
}
