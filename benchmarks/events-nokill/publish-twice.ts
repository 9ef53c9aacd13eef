import { type ResponseBatch, responses } from '@sluice/contracts'
import { type Bus, publishToStream } from '@sluice/messaging'
import { note, type Sent, type SentByModel, traffic } from './traffic.ts'

/**
 * Stores all traffic in the stream, each batch twice: the second time later and under another message id, as after the stream's
 * duplicate window, so that it is delivered twice. Gives what was sent, counted once.
 */
export async function publishTwice(bus: Bus, fromMs: number): Promise<SentByModel> {
  const sent = new Map<string, Map<string, Sent>>()
  const underWay = new Set<Promise<void>>()
  const publish = async (batch: ResponseBatch, messageId: string): Promise<void> => {
    const publishing = publishToStream(bus, responses, [batch.connectionId], batch, messageId)
    underWay.add(publishing)
    void publishing.finally(() => underWay.delete(publishing))
    if (underWay.size >= MAX_UNDER_WAY) await Promise.race(underWay)
  }

  const again: ResponseBatch[] = []
  const publishAgain = (batch: ResponseBatch) => publish(batch, `again-${batch.gateway}-${batch.batch}`)
  for (const batch of traffic(fromMs)) {
    note(sent, batch)
    await publish(batch, `${batch.gateway}-${batch.batch}`)
    again.push(batch)
    const earlier = again.length > BATCHES_BETWEEN ? again.shift() : undefined
    if (earlier !== undefined) await publishAgain(earlier)
  }
  for (const batch of again) await publishAgain(batch)
  await Promise.all(underWay)
  return sent
}

const MAX_UNDER_WAY = 32
const BATCHES_BETWEEN = 300
