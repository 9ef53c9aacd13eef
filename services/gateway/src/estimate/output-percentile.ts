/**
 * The 95th percentile of the output tokens of about the last hundred responses. A histogram with four buckets per octave; the result is a
 * bucket's upper edge, so never less than the percentile, and at most 19 % (or one token) more.
 */
export class OutputPercentile {
  readonly #weights = new Float64Array(BUCKETS)
  #responses = 0
  #percentile: number | undefined

  /** The percentile; undefined before {@link MIN_RESPONSES} responses, infinite if more than 5 % of them were cut off. */
  get tokens(): number | undefined {
    return this.#percentile
  }

  /** @param cutOff whether the response ended at a maximum, so that its full length is unknown */
  learn(outputTokens: number, cutOff: boolean): void {
    if (!(outputTokens >= 0)) return
    const weights = this.#weights
    for (let i = 0; i < BUCKETS; i++) weights[i] = (weights[i] ?? 0) * KEPT
    const bucket = cutOff ? UNBOUNDED : bucketOf(outputTokens)
    weights[bucket] = (weights[bucket] ?? 0) + 1
    this.#responses++
    if (this.#responses >= MIN_RESPONSES) this.#percentile = upperEdge(this.#bucketOfPercentile())
  }

  /** Restores a {@link state}. */
  static from({ responses, weights }: OutputPercentileState): OutputPercentile {
    const percentile = new OutputPercentile()
    for (const [bucket, weight] of weights) if (bucket < BUCKETS) percentile.#weights[bucket] = weight
    percentile.#responses = responses
    if (responses >= MIN_RESPONSES) percentile.#percentile = upperEdge(percentile.#bucketOfPercentile())
    return percentile
  }

  /** The state to be stored, without buckets of negligible weight. */
  get state(): OutputPercentileState {
    const weights = [...this.#weights].map((weight, bucket): [number, number] => [bucket, Number(weight.toFixed(3))])
    return { responses: Math.min(this.#responses, MIN_RESPONSES), weights: weights.filter(([, weight]) => weight > 0) }
  }

  #bucketOfPercentile(): number {
    let total = 0
    for (const weight of this.#weights) total += weight
    let above = total * (1 - PERCENTILE)
    let bucket = UNBOUNDED
    while (bucket > 0) {
      above -= this.#weights[bucket] ?? 0
      if (above < 0) break
      bucket--
    }
    return bucket
  }
}

export interface OutputPercentileState {
  /** How many responses were learned from, {@link MIN_RESPONSES} at most. */
  responses: number
  weights: [bucket: number, weight: number][]
}

/** Fewer responses say too little about the longest in twenty. */
export const MIN_RESPONSES = 20

const PERCENTILE = 0.95
/** Factor of the weights for each response: the last hundred responses have two thirds of the weight. */
const KEPT = 0.99
const BUCKETS_PER_OCTAVE = 4
/** Up to a million tokens, and one for unknown lengths. */
const BUCKETS = 20 * BUCKETS_PER_OCTAVE + 2
const UNBOUNDED = BUCKETS - 1

/** Returns a bucket: 0 is up to one token, each further one up to 2^¼ times as many. */
function bucketOf(tokens: number): number {
  if (tokens <= 1) return 0
  const bucket = Math.ceil(Math.log2(tokens) * BUCKETS_PER_OCTAVE - ROUNDING)
  return Math.min(UNBOUNDED, bucket)
}

/** Makes a power of two the edge of its bucket, however its logarithm is rounded. */
const ROUNDING = 1e-9

function upperEdge(bucket: number): number {
  return bucket === UNBOUNDED ? Number.POSITIVE_INFINITY : Math.ceil(2 ** (bucket / BUCKETS_PER_OCTAVE))
}
