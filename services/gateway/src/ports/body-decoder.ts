import type { ContentCoding } from '../domain/content-coding.ts'

/** Decodes compressed request bodies without keeping other requests waiting. */
export interface BodyDecoder {
  /**
   * Takes one content coding off a whole body and hands the pieces to `keep`, which ends the decoding by returning a reason. Few bodies are
   * decoded at a time; API keys take turns.
   */
  decode<Reason>(body: Buffer, coding: ContentCoding, options: DecodeOptions<Reason>): Promise<DecodeOutcome<Reason>>
}

export interface DecodeOptions<Reason> {
  /** The API key's id. */
  readonly owner: string
  /** Whether the application has gone away: what still waits is then not decoded. */
  readonly isGone: () => boolean
  readonly keep: (piece: Buffer) => Reason | undefined
}

export type DecodeOutcome<Reason> =
  | { readonly status: 'decoded' }
  /** What `keep` returned. */
  | { readonly status: 'ended'; readonly reason: Reason }
  | { readonly status: 'damaged' }
  /** zstd with a window of more than 8 MiB, for which no memory is given. */
  | { readonly status: 'window-too-large' }
  /** zstd in more frames than {@link MAX_FRAMES}. */
  | { readonly status: 'too-many-frames' }
  | { readonly status: 'left' }

/**
 * Of one zstd body, those that are skipped among them: each takes a decoder of its own, and may be no longer than 8 bytes. Senders make one, or
 * one for every few megabytes.
 */
export const MAX_FRAMES = 64
