import type { TokenUsage } from '@sluice/contracts'
import type { PartialUsage, ResponseReader } from '../provider-adapter.ts'

/** Cuts a stream into the messages that it is made of. */
export interface MessageSplitter {
  push(chunk: Buffer): void
  end(): void
}

/** Learns from the messages of one stream, in order. Never throws, whatever they hold. */
export interface UsageMeter
  extends Pick<ResponseReader, 'usage' | 'partialUsage' | 'providerAddedInput' | 'outputTokensSeen' | 'errorStatus'> {
  /** @param isError an error by its name, whatever it holds */
  note(message: Buffer, isError?: boolean): void
}

/** Watches a stream that passes by as it is. */
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

/** For answers that tell no usage. */
export const UNREAD: ResponseReader = {
  push: (chunk) => chunk,
  end: () => Buffer.alloc(0),
  usage: undefined,
  outputTokensSeen: 0,
}
