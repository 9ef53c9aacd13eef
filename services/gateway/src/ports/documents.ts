import type { ReadingName, Readings } from '../domain/readings.ts'

/** Reads request bodies without keeping other requests waiting. */
export interface Documents {
  /**
   * Gives what the reading of this name comes to, at once where it takes no time worth mentioning. The body in `input` must not be used
   * any more; a reading gives it back.
   * @param task whose request it is, and how long its reading takes about
   * @throws (rejects) SluiceError `unavailable` when the reading could not be done
   * @throws (rejects) {@link ApplicationGone} when the application went away before its turn came
   */
  read<Name extends ReadingName>(
    name: Name,
    input: Parameters<Readings[Name]>[0],
    task: ReadingTask,
  ): Reading<Name> | Promise<Reading<Name>>
}

export type Reading<Name extends ReadingName> = Awaited<ReturnType<Readings[Name]>>

export interface ReadingTask {
  /** The API key's id: one key's readings wait for each other, not for those of others. */
  readonly owner: string
  readonly estimatedNs: number
  /** Whether the application has gone away: what still waits is then not read. */
  readonly isGone: () => boolean
}

/** Nobody waits for what was to be read. */
export class ApplicationGone extends Error {
  override readonly name = 'ApplicationGone'
}
