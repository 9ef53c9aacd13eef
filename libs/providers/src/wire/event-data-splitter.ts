import { EventBlocks } from './event-blocks.ts'
import { eventMessage } from './event-data.ts'
import type { MessageSplitter } from './watching-reader.ts'

/** Visits the data of each server-sent event that has some. */
export function eventDataSplitter(visit: (data: Buffer) => void): MessageSplitter {
  return new EventBlocks((block) => {
    const data = eventMessage(block)
    if (data !== undefined) visit(data)
  })
}
