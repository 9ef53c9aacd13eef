import { EventBlocks } from './event-blocks.ts'
import { eventData } from './event-data.ts'
import type { MessageSplitter } from './watching-reader.ts'

/** Visits the data of each server-sent event that has some. */
export function eventDataSplitter(visit: (data: Buffer) => void): MessageSplitter {
  return new EventBlocks((block) => {
    const span = eventData(block)
    if (span !== undefined) visit(block.subarray(span.start, span.end))
  })
}
