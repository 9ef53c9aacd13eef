import { EventBlocks } from './event-blocks.ts'
import { eventMessage, isErrorEvent } from './event-data.ts'
import type { MessageSplitter } from './watching-reader.ts'

/** Visits the data of each server-sent event that has some, and says whether its name is `error`. */
export function eventDataSplitter(visit: (data: Buffer, isError: boolean) => void): MessageSplitter {
  return new EventBlocks((block) => {
    const data = eventMessage(block)
    if (data !== undefined) visit(data, isErrorEvent(block))
  })
}
