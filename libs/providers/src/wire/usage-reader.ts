import type { TokenUsage } from '@sluice/contracts'
import type { PartialUsage, ResponseReader } from '../provider-adapter.ts'

/** Splits a stream into its messages. */
export interface MessageSplitter {
  push(chunk: Buffer): void
  end(): void
}

/** Reads usage from the messages of one stream, in order. Never throws, whatever they contain. */
export interface UsageMeter
  extends Pick<ResponseReader, 'usage' | 'partialUsage' | 'providerAddedInput' | 'outputTokensSeen' | 'errorStatus'> {
  /** @param isError the message's name says that it is an error */
  note(message: Buffer, isError?: boolean): void
}

/** Passes a stream through unchanged while a meter reads its messages. */
export class WatchingReader implements ResponseReader {
  readonly #splitter: MessageSplitter
  readonly #meter: UsageMeter

  constructor(
    splitterFor: (visit: (message: Buffer, isError?: boolean) => void) => MessageSplitter,
    meter: UsageMeter,
  ) {
    this.#splitter = splitterFor((message, isError) => meter.note(message, isError))
    this.#meter = meter
  }

  get usage(): TokenUsage | undefined {
    return this.#meter.usage
  }

  get partialUsage(): PartialUsage | undefined {
    return this.#meter.partialUsage
  }

  get providerAddedInput(): boolean {
    return this.#meter.providerAddedInput ?? false
  }

  get outputTokensSeen(): number {
    return this.#meter.outputTokensSeen
  }

  get errorStatus(): number | undefined {
    return this.#meter.errorStatus
  }

  push(chunk: Buffer): Buffer {
    this.#splitter.push(chunk)
    return chunk
  }

  end(): Buffer {
    this.#splitter.end()
    return EMPTY
  }
}

const EMPTY = Buffer.alloc(0)

/** Passes through responses that report no usage. */
export const NO_USAGE_READER: ResponseReader = {
  push: (chunk) => chunk,
  end: () => EMPTY,
  usage: undefined,
  outputTokensSeen: 0,
}
