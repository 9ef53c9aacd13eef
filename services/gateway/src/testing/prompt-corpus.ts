import { readFileSync } from 'node:fs'
import { countChatCompletionTokens } from 'gpt-tokenizer/model/gpt-4o'

/** Chat requests of one kind, always the same ones. */
export interface PromptKind {
  readonly name: string
  readonly requests: readonly CountedRequest[]
}

export interface CountedRequest {
  readonly body: object
  /** As the model's own tokenizer (o200k) counts them. */
  readonly inputTokens: number
}

/** Requests of every kind in `domain/__fixtures__/corpus`, of several lengths, and one kind that mixes them all. */
export function promptCorpus(requestsPerKind: number): PromptKind[] {
  const kinds = Object.entries(BUILDERS).map(([name, build]) => {
    const random = seededRandom(name)
    return { name, requests: Array.from({ length: requestsPerKind }, () => build(random)) }
  })
  const random = seededRandom('mixture')
  const all = kinds.flatMap(({ requests }) => requests)
  const mixture = Array.from({ length: requestsPerKind }, () => pick(random, all))
  return [...kinds, { name: 'all of these in turn', requests: mixture }]
}

type Random = () => number

const BUILDERS: Readonly<Record<string, (random: Random) => CountedRequest>> = {
  'English prose': textOf('english-prose'),
  German: textOf('german'),
  French: textOf('french'),
  Chinese: textOf('chinese'),
  Japanese: textOf('japanese'),
  Arabic: textOf('arabic'),
  Hindi: textOf('hindi'),
  'chat full of emoji': textOf('emoji'),
  'source code': textOf('code'),
  JSON: textOf('json'),
  'tool definitions': toolDefinitions,
  'many short messages': shortMessages(12, 40),
  'one short message': shortMessages(1, 1),
  'multi-part chat with images': multiPart,
  'long numbers': (random) => chat([user(numbers(random))]),
  'base64 noise': (random) => chat([user(base64(random, 400 + Math.floor(random() * 4_000)))]),
}

interface Message {
  readonly role: 'user' | 'assistant'
  readonly content: string
}

const user = (content: string): Message => ({ role: 'user', content })

function chat(messages: readonly Message[]): CountedRequest {
  return { body: { model: 'gpt-4o', messages }, inputTokens: countTokens({ messages }) }
}

function textOf(name: string): (random: Random) => CountedRequest {
  return (random) => chat([user(someOf(random, readPassages(name), 1, 4).join('\n\n'))])
}

function shortMessages(least: number, most: number): (random: Random) => CountedRequest {
  return (random) => {
    const passages = readPassages('short-messages')
    const length = least + Math.floor(random() * (most - least + 1))
    const contents = Array.from({ length }, () => pick(random, passages))
    return chat(contents.map((content, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content })))
  }
}

function toolDefinitions(random: Random): CountedRequest {
  const functions = someOf(random, TOOLS, 2, 6)
  const messages = [user(pick(random, readPassages('short-messages')))]
  const tools = functions.map((definition) => ({ type: 'function', function: definition }))
  return { body: { model: 'gpt-4o', messages, tools }, inputTokens: countTokens({ messages, functions }) }
}

/** One to three images at high detail, of which one in two is inlined. */
function multiPart(random: Random): CountedRequest {
  const text = someOf(random, readPassages('english-prose'), 1, 2).join('\n\n')
  const images = Array.from({ length: 1 + Math.floor(random() * 3) }, () => pick(random, IMAGE_TOKENS))
  const parts = images.map(() => {
    const inlined = `data:image/jpeg;base64,${base64(random, 20_000)}`
    return { type: 'image_url', image_url: { url: random() < 0.5 ? inlined : 'https://example.com/photo.jpg' } }
  })
  const content = [{ type: 'text', text }, ...parts]
  return {
    body: { model: 'gpt-4o', messages: [{ role: 'user', content }] },
    inputTokens: countTokens({ messages: [user(text)] }) + images.reduce((sum, tokens) => sum + tokens, 0),
  }
}

/** 85 and 170 for each tile of 512 pixels: images of 512×512, 1,024×768, 1,024×1,024, and 3,000×2,000. */
const IMAGE_TOKENS = [255, 765, 765, 1_105] as const

function numbers(random: Random): string {
  const lines = Array.from({ length: 10 + Math.floor(random() * 40) }, () => String(Math.floor(random() * 1e15)))
  return `Add these up:\n${lines.join('\n')}`
}

function base64(random: Random, bytes: number): string {
  return Buffer.from(Array.from({ length: bytes }, () => Math.floor(random() * 256))).toString('base64')
}

type ChatToCount = Parameters<NonNullable<typeof countChatCompletionTokens>>[0]

function countTokens(request: ChatToCount): number {
  if (countChatCompletionTokens === undefined) throw new Error('this tokenizer counts no chats')
  return countChatCompletionTokens(request)
}

const CORPUS = new URL('../domain/__fixtures__/corpus/', import.meta.url)

function readPassages(name: string): string[] {
  return readFileSync(new URL(`${name}.txt`, CORPUS), 'utf8')
    .trim()
    .split('\n---\n')
}

const TOOLS: NonNullable<ChatToCount['functions']> = JSON.parse(readFileSync(new URL('tools.json', CORPUS), 'utf8'))

function someOf<T>(random: Random, from: readonly T[], least: number, most: number): T[] {
  const count = least + Math.floor(random() * (most - least + 1))
  return from
    .map((value) => ({ value, rank: random() }))
    .sort((a, b) => a.rank - b.rank)
    .slice(0, count)
    .map(({ value }) => value)
}

function pick<T>(random: Random, from: readonly T[]): T {
  const value = from[Math.floor(random() * from.length)]
  if (value === undefined) throw new Error('nothing to pick from')
  return value
}

/** The same numbers from 0 to 1 for the same name, by the generator known as mulberry32. */
function seededRandom(name: string): Random {
  let state = [...name].reduce((hash, letter) => (Math.imul(hash, 31) + letter.charCodeAt(0)) | 0, 7)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
