/**
 * The 95th percentile of answers' lengths in tokens, of the last hundred or so answers. A histogram with buckets that grow
 * by a quarter of an octave; what it says is a bucket's upper edge, so never less than the percentile and at most 19 % (or
 * one token) more.
 */
export class OutputPercentile {
  readonly #weights = new Float64Array(BUCKETS)
  #answers = 0
  #percentile: number | undefined

  /** Undefined until there are {@link MIN_ANSWERS}; infinite where more than 5 % of the answers were cut off. */
  get tokens(): number | undefined {
    return this.#percentile
  }

  /** @param cutOff the answer ended because of a maximum, so that it tells nothing of how long it would have become */
  learn(outputTokens: number, cutOff: boolean): void {
    if (!(outputTokens >= 0)) return
    const weights = this.#weights
    for (let i = 0; i < BUCKETS; i++) weights[i] = (weights[i] ?? 0) * KEPT
    const bucket = cutOff ? UNBOUNDED : bucketOf(outputTokens)
    weights[bucket] = (weights[bucket] ?? 0) + 1
    this.#answers++
    if (this.#answers >= MIN_ANSWERS) this.#percentile = upperEdge(this.#bucketOfPercentile())
  }

  /** Goes on from what {@link state} returned. */
  static from({ responses, weights }: OutputPercentileState): OutputPercentile {
    const percentile = new OutputPercentile()
    for (const [bucket, weight] of weights) if (bucket < BUCKETS) percentile.#weights[bucket] = weight
    percentile.#answers = responses
    if (responses >= MIN_ANSWERS) percentile.#percentile = upperEdge(percentile.#bucketOfPercentile())
    return percentile
  }

  /** Buckets that hardly weigh anything are left out. */
  get state(): OutputPercentileState {
    const weights = [...this.#weights].map((weight, bucket): [number, number] => [bucket, Number(weight.toFixed(3))])
    return { responses: Math.min(this.#answers, MIN_ANSWERS), weights: weights.filter(([, weight]) => weight > 0) }
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
  /** How many responses were learned from, {@link MIN_ANSWERS} at most. */
  responses: number
  weights: [bucket: number, weight: number][]
}

/** Fewer answers say too little about the longest in twenty. */
export const MIN_ANSWERS = 20

const PERCENTILE = 0.95
/** Of the weights, with each answer: the last hundred answers are two thirds of what is known. */
const KEPT = 0.99
const BUCKETS_PER_OCTAVE = 4
/** Up to a million tokens, and one for all that has no known length. */
const BUCKETS = 20 * BUCKETS_PER_OCTAVE + 2
const UNBOUNDED = BUCKETS - 1

/** Bucket 0 is up to one token; each next one up to 2^¼ times as many. */
function bucketOf(tokens: number): number {
  if (tokens <= 1) return 0
  const bucket = Math.ceil(Math.log2(tokens) * BUCKETS_PER_OCTAVE - ROUNDING)
  return Math.min(UNBOUNDED, bucket)
}

/** A power of two is its own bucket's edge, whatever its logarithm is rounded to. */
const ROUNDING = 1e-9

function upperEdge(bucket: number): number {
  return bucket === UNBOUNDED ? Number.POSITIVE_INFINITY : Math.ceil(2 ** (bucket / BUCKETS_PER_OCTAVE))
}
