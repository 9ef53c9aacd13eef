import type { DeadLetter } from '@sluice/contracts'

/** Keeps messages that could not be learnt from, so that they hold nothing up and somebody can look at them. */
export interface DeadLetters {
  /**
   * Keeps the message, once however often it is given; of very many, the newest {@link MAX_KEPT_MESSAGES}.
   * @param data the message; of a long one, the first {@link MAX_KEPT_BYTES} are kept
   */
  put(message: DeadLetter, data: Uint8Array): Promise<void>
  /** How many are kept, and the newest of them, newest first. */
  summary(): Promise<{ readonly count: number; readonly latest: DeadLetter[] }>
}

export const MAX_KEPT_MESSAGES = 1_000
export const MAX_KEPT_BYTES = 65_536
