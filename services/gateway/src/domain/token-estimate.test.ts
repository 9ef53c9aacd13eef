import { readFileSync } from 'node:fs'
import { providerAdapter, type RequestInspection } from '@sluice/providers'
import { describe, expect, it } from 'vitest'
import { type CountedRequest, promptCorpus } from '../testing/prompt-corpus.ts'
import { estimateCost } from './estimate-cost.ts'
import { LearnedModels } from './learned-models.ts'

const LEARNED_FROM = 20
const MEASURED = 100
const POLICY = { defaultMaxOutputTokens: 1_024, tokenReservation: 'maximum' } as const

/** How far an estimate is from the truth: 0.1 is a tenth too much, −0.1 a tenth too little. */
interface Errors {
  /** Of all requests together, which is what a window sees. */
  readonly total: number
  /** Of the single requests. */
  readonly lowest: number
  readonly highest: number
}

const figures = promptCorpus(LEARNED_FROM + MEASURED).map(({ name, requests }) => {
  const learned = new LearnedModels()
  const before = requests.map((request) => compare(request, new LearnedModels()))
  const after = requests.map((request) => {
    const comparison = compare(request, learned)
    learn(request, learned)
    return comparison
  })
  return { name, before: errorsOf(before.slice(LEARNED_FROM)), after: errorsOf(after.slice(LEARNED_FROM)) }
})

it('has the error that is documented', () => {
  const documented = readFileSync(new URL('../../../../docs/token-estimate.md', import.meta.url), 'utf8')
  expect(documented).toContain(table())
})

describe('after twenty requests', () => {
  const ofOneKind = figures.filter(({ name }) => name !== 'all of these in turn' && !name.includes('images'))

  it.each(ofOneKind)('is within 5 % over all requests of one kind: $name', ({ after }) => {
    expect(Math.abs(after.total)).toBeLessThan(0.05)
  })

  it.each(figures)('is no farther from the truth than it was: $name', ({ before, after }) => {
    expect(Math.abs(after.total)).toBeLessThanOrEqual(Math.abs(before.total) + 0.02)
  })
})

function inspect(body: object): RequestInspection {
  const openai = providerAdapter('openai')
  const operation = openai?.operation('POST', '/v1/chat/completions')
  if (openai === undefined || operation === undefined) throw new Error('there is no such operation')
  return openai.inspect(operation, body, Buffer.byteLength(JSON.stringify(body)))
}

interface Comparison {
  readonly estimated: number
  readonly inputTokens: number
}

function compare({ body, inputTokens }: CountedRequest, learned: LearnedModels): Comparison {
  const inspection = inspect(body)
  return { estimated: estimateCost(inspection, POLICY, learned.of(inspection.model)).promptTokens, inputTokens }
}

function learn({ body, inputTokens }: CountedRequest, learned: LearnedModels): void {
  learned.learn(inspect(body), { inputTokens, outputTokens: 1, cachedInputTokens: 0, reasoningTokens: 0 }, true)
}

function errorsOf(comparisons: readonly Comparison[]): Errors {
  const errors = comparisons.map(({ estimated, inputTokens }) => estimated / inputTokens - 1)
  const sum = (name: keyof Comparison) => comparisons.reduce((total, comparison) => total + comparison[name], 0)
  return {
    total: sum('estimated') / sum('inputTokens') - 1,
    lowest: Math.min(...errors),
    highest: Math.max(...errors),
  }
}

/** As it stands in the document. */
function table(): string {
  const rows = figures.map(({ name, before, after }) => [name, ...cells(before), ...cells(after)])
  const head = ['requests', 'untaught, all', 'each', `after ${LEARNED_FROM}, all`, 'each']
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
