import { EventBlocks } from '../wire/event-blocks.ts'
import { eventMessage, isErrorEvent } from '../wire/event-data.ts'
import type { MessageSplitter } from '../wire/watching-reader.ts'

/**
 * Visits the data of each server-sent event that has some, and JSON that is no event: so comes an error in mid-stream, bare
 * between the events.
 * @see https://github.com/googleapis/js-genai/blob/main/src/_api_client.ts
 */
export function eventOrErrorSplitter(visit: (message: Buffer, isError?: boolean) => void): MessageSplitter {
  return new EventBlocks((block) => {
    const data = eventMessage(block)
    if (data === undefined) {
      if (block[0] === OPEN_BRACE || block[0] === OPEN_BRACKET) visit(block)
    } else if (data.length > 0) visit(data, isErrorEvent(block))
  })
}

const OPEN_BRACE = 0x7b
const OPEN_BRACKET = 0x5b
