import { readFileSync } from 'node:fs'
import { providerAdapter, type RequestInspection } from '@sluice/providers'
import { describe, expect, it } from 'vitest'
import { type CountedRequest, promptCorpus } from '../../test/support/prompt-corpus.ts'
import { estimateCost } from './estimate-cost.ts'
import { LearnedModels } from './learned-models.ts'
import { TokenRatio } from './token-ratio.ts'

const LEARNED_FROM = 20
const MEASURED = 100
/** Smaller requests are mostly frame, and do not fill a window. */
const LARGE_BYTES = 1_000
const POLICY = { defaultMaxOutputTokens: 1_024, tokenReservation: 'maximum' } as const

/** The relative error of an estimate: 0.1 is a tenth too much, −0.1 a tenth too little. */
interface Errors {
  /** The error over all requests together, which is what a window sees. */
  readonly total: number
  /** The errors of the single requests. */
  readonly lowest: number
  readonly median: number
  readonly highest: number
}

const figures = promptCorpus(LEARNED_FROM + MEASURED).map(({ name, requests }) => {
  const learned = new LearnedModels()
  const byBytes = new TokenRatio()
  const measured = requests.map((request) => {
    const inspection = inspect(request)
    const bytes = bytesOfBody(request, inspection)
    const { inputTokens } = request
    const comparison = {
      inputTokens,
      bytesAlone: byBytes.tokensOf(bytes) + mediaTokens(inspection),
      untaught: estimateCost(inspection, POLICY, undefined).promptTokens,
      taught: estimateCost(inspection, POLICY, learned.of(inspection.model)).promptTokens,
      isLarge: bytes >= LARGE_BYTES,
    }
    learned.learn(inspection, { inputTokens, outputTokens: 1, cachedInputTokens: 0, reasoningTokens: 0 }, true)
    if (inspection.mediaParts === 0) byBytes.learn(bytes, inputTokens)
    return comparison
  })
  const after = measured.slice(LEARNED_FROM)
  return {
    name,
    bytesAlone: errorsOf(after, 'bytesAlone'),
    untaught: errorsOf(after, 'untaught'),
    taught: errorsOf(after, 'taught'),
    large: after.filter(({ isLarge }) => isLarge),
  }
})

it('has the documented error', () => {
  const documented = readFileSync(new URL('../../../../docs/token-estimate.md', import.meta.url), 'utf8')
  expect(documented).toContain(table())
})

const MIXED = 'all of these in turn'

describe('before anything is learned', () => {
  /** Without sealed reasoning, of which it is unknown whether it counts. */
  const sealedApart = figures.filter(({ name }) => !name.startsWith('sealed reasoning that counts'))

  it.each(sealedApart)('is at most a fifth below the actual usage: $name', ({ untaught }) => {
    expect(untaught.total).toBeGreaterThan(-0.2)
  })

  it.each(figures.filter(({ name }) => name.startsWith('agent')))('has a median within 15 %: $name', ({ large }) => {
    expect(Math.abs(errorsOf(large, 'untaught').median)).toBeLessThan(0.15)
  })
})

describe('after twenty requests', () => {
  const ofOneKind = figures.filter(({ name }) => name !== MIXED && !name.includes('images'))

  it.each(ofOneKind)('is within 5 % over all requests of one kind: $name', ({ taught }) => {
    expect(Math.abs(taught.total)).toBeLessThan(0.05)
  })

  const ofManyKinds = figures.filter((figure) => !ofOneKind.includes(figure))

  it.each(ofManyKinds)('is no less accurate than before: $name', ({ untaught, taught }) => {
    expect(Math.abs(taught.total)).toBeLessThanOrEqual(Math.abs(untaught.total) + 0.02)
  })

  const withLarge = ofOneKind.filter(({ large }) => large.length > 0)

  it.each(withLarge)(
    'has a median within 10 % and 90 % within −30 to +60 %, from 1,000 bytes on: $name',
    ({ large }) => {
      const { median } = errorsOf(large, 'taught')
      expect(Math.abs(median)).toBeLessThan(0.1)
      const errors = large.map(({ taught, inputTokens }) => taught / inputTokens - 1)
      const within = errors.filter((error) => error >= -0.3 && error <= 0.6)
      expect(within.length / errors.length).toBeGreaterThanOrEqual(0.9)
    },
  )
})

function inspect({ provider = 'openai', path = '/v1/chat/completions', body }: CountedRequest): RequestInspection {
  const adapter = providerAdapter(provider)
  const operation = adapter.operation('POST', path)
  if (operation === undefined) throw new Error('there is no such operation')
  return adapter.inspect(operation, body, Buffer.byteLength(JSON.stringify(body)))
}

/** Returns the length for an estimate by bytes alone: the body without the base64 of images. */
function bytesOfBody({ body }: CountedRequest, { mediaParts }: RequestInspection): number {
  const text = JSON.stringify(body)
  return Buffer.byteLength(mediaParts === 0 ? text : text.replace(/data:image[^"]*/g, ''))
}

function mediaTokens({ mediaTokens = 0 }: RequestInspection): number {
  return mediaTokens
}

interface Comparison {
  readonly inputTokens: number
  readonly bytesAlone: number
  readonly untaught: number
  readonly taught: number
  readonly isLarge: boolean
}

function errorsOf(comparisons: readonly Comparison[], estimate: 'bytesAlone' | 'untaught' | 'taught'): Errors {
  const errors = comparisons
    .map((comparison) => comparison[estimate] / comparison.inputTokens - 1)
    .sort((a, b) => a - b)
  const sum = (name: typeof estimate | 'inputTokens') =>
    comparisons.reduce((total, comparison) => total + comparison[name], 0)
  const at = (share: number) => errors[Math.floor(share * (errors.length - 1))] ?? Number.NaN
  return { total: sum(estimate) / sum('inputTokens') - 1, lowest: at(0), median: at(0.5), highest: at(1) }
}

/** Formats a figure as in the document. */
function table(): string {
  const rows = figures.map(({ name, bytesAlone, untaught, taught }) => [
    name,
    ...cells(bytesAlone),
    percent(untaught.total),
    ...cells(taught),
  ])
  const head = ['requests', 'bytes alone, taught', 'each', 'untaught', 'taught', 'each']
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)))
  const line = (row: readonly string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

function cells({ total, lowest, highest }: Errors): [string, string] {
  return [percent(total), `${percent(lowest)} to ${percent(highest)}`]
}

function percent(error: number): string {
  const rounded = Math.round(error * 100)
  return `${rounded < 0 ? '−' : rounded > 0 ? '+' : ''}${Math.abs(rounded)} %`
}
