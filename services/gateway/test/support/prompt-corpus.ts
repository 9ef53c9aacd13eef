import { readFileSync } from 'node:fs'
import type { ProviderId } from '@sluice/contracts'
import { countChatCompletionTokens, countTokens as countText } from 'gpt-tokenizer/model/gpt-4o'

/** Requests of one kind, always the same ones. */
export interface PromptKind {
  readonly name: string
  readonly requests: readonly CountedRequest[]
}

export interface CountedRequest {
  /** `openai` if absent. */
  readonly provider?: ProviderId
  /** Chat completions if absent. */
  readonly path?: string
  readonly body: object
  /** By GPT-4o's tokenizer (o200k); for models without a public tokenizer, by {@link FAMILIES}. */
  readonly inputTokens: number
}

/** Requests of every kind in `test/fixtures/corpus`, of several lengths, and one kind that mixes them all. */
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

const SHORT_NAMES = {
  'gpt-4o': 'OpenAI',
  'claude-sonnet-4-5': 'Claude',
  'claude-opus-4-8': 'newer Claude',
  'gemini-2.5-flash': 'Gemini',
  'us.amazon.nova-2-lite-v1:0': 'Nova 2',
} as const

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
  'agent with tools, OpenAI': agent('gpt-4o'),
  'agent with tools, Claude': agent('claude-sonnet-4-5'),
  'agent with tools, newer Claude': agent('claude-opus-4-8'),
  'agent with tools, Gemini': agent('gemini-2.5-flash'),
  'agent with tools, Nova 2': agent('us.amazon.nova-2-lite-v1:0'),
  'agent with tools, Llama 4 on Groq': agent('meta-llama/llama-4-scout-17b-16e-instruct'),
  ...Object.fromEntries(
    (
      ['gpt-4o', 'claude-sonnet-4-5', 'claude-opus-4-8', 'gemini-2.5-flash', 'us.amazon.nova-2-lite-v1:0'] as const
    ).flatMap((model) => [
      [`agent at code, ${SHORT_NAMES[model]}`, agentAt('code', model)],
      [`agent at JSON, ${SHORT_NAMES[model]}`, agentAt('json', model)],
    ]),
  ),
  'long prose, Claude': prose('claude-sonnet-4-5'),
  'long prose and short tools in turn, Claude': inTurn(prose('claude-sonnet-4-5'), agent('claude-sonnet-4-5', 0)),
  'long prose and short tools in turn, Llama 4 on Groq': inTurn(
    prose('meta-llama/llama-4-scout-17b-16e-instruct'),
    agent('meta-llama/llama-4-scout-17b-16e-instruct', 0),
  ),
  'sealed reasoning that counts, Gemini': sealed('gemini-3-flash-preview', true),
  'sealed reasoning that does not count, Claude': sealed('claude-sonnet-4-5', false),
}

/**
 * What models make of a text whose tokenizers are not public: so many times o200k's tokens, as recordings have it; of a message, a call
 * or result, and tools at all so many tokens more, those of Claude as Anthropic documents them.
 */
const FAMILIES = {
  'gpt-4o': { wire: 'openai', times: 1, tools: 15, toolTimes: 0.55, turn: 3, call: 8 },
  'claude-sonnet-4-5': { wire: 'anthropic', times: 1.12, tools: 496, toolTimes: 1.2, turn: 5, call: 24 },
  'claude-opus-4-8': { wire: 'anthropic', times: 1.5, tools: 290, toolTimes: 1.6, turn: 5, call: 24 },
  'gemini-2.5-flash': { wire: 'google', times: 1.02, tools: 0, toolTimes: 0.85, turn: 1, call: 10 },
  'gemini-3-flash-preview': { wire: 'google', times: 1.02, tools: 0, toolTimes: 0.85, turn: 1, call: 10 },
  'us.amazon.nova-2-lite-v1:0': { wire: 'aws-bedrock', times: 1.15, tools: 820, toolTimes: 1.2, turn: 3, call: 10 },
  'meta-llama/llama-4-scout-17b-16e-instruct': {
    wire: 'groq',
    times: 1.03,
    tools: 640,
    toolTimes: 1,
    turn: 4,
    call: 10,
  },
} as const satisfies Readonly<Record<string, Family>>

interface Family {
  readonly wire: 'openai' | 'anthropic' | 'google' | 'aws-bedrock' | 'groq'
  readonly times: number
  readonly tools: number
  readonly toolTimes: number
  readonly turn: number
  readonly call: number
}

type Model = keyof typeof FAMILIES

/** The content of a conversation, independent of a provider's format. */
interface Conversation {
  readonly texts: readonly string[]
  /** Calls of a tool, each with its result, after the first text. */
  readonly calls: readonly { readonly tool: Tool; readonly args: object; readonly result: string }[]
  readonly tools: readonly Tool[]
  /** Base64 in addition to the first text. */
  readonly sealed?: string
}

type Tool = (typeof TOOLS)[number]
type Builder = (random: Random) => CountedRequest

/** @param mostCalls tools called so far; 0: a first short question with tools */
function agent(model: Model, mostCalls = 6): Builder {
  return (random) => {
    const tools = someOf(random, TOOLS, 2, 6)
    const calls = Array.from({ length: Math.floor(random() * (mostCalls + 1)) }, () => ({
      tool: pick(random, tools),
      args: { from: pick(random, readPassages('short-messages')), count: Math.floor(random() * 90), strict: true },
      result: pick(random, [...readPassages('json'), ...readPassages('english-prose')]),
    }))
    return inWordsOf(model, { texts: [pick(random, readPassages('short-messages'))], calls, tools })
  }
}

/** An agent that reads and writes files of code or JSON: it reads results and writes arguments. */
function agentAt(kind: 'code' | 'json', model: Model): Builder {
  return (random) => {
    const tools = someOf(random, TOOLS, 2, 3)
    const calls = Array.from({ length: 4 + Math.floor(random() * 12) }, (_, i) => {
      const text = pick(random, readPassages(kind))
      const path = `src/${pick(random, ['orders', 'weather', 'users'])}/part-${i}.${kind === 'code' ? 'ts' : 'json'}`
      const writes = random() < 0.3
      return {
        tool: pick(random, tools),
        args: writes ? { path, content: text } : { path, from: Math.floor(random() * 900) },
        result: writes ? 'Written.' : text,
      }
    })
    return inWordsOf(model, { texts: [pick(random, readPassages('short-messages'))], calls, tools })
  }
}

function prose(model: Model): Builder {
  return (random) =>
    inWordsOf(model, {
      texts: [someOf(random, readPassages('english-prose'), 2, 4).join('\n\n')],
      calls: [],
      tools: [],
    })
}

/** @param isCounted whether the provider counts sealed reasoning as input */
function sealed(model: Model, isCounted: boolean): Builder {
  return (random) => {
    const texts = someOf(random, readPassages('english-prose'), 1, 2)
    const noise = random() < 0.5 ? undefined : base64(random, 1_000 + Math.floor(random() * 5_000))
    const request = inWordsOf(model, { texts, calls: [], tools: [], ...(noise === undefined ? {} : { sealed: noise }) })
    const added = isCounted && noise !== undefined ? Math.round(noise.length / 4.4) : 0
    return { ...request, inputTokens: request.inputTokens + added }
  }
}

function inTurn(...builders: readonly Builder[]): Builder {
  let next = 0
  return (random) => {
    const build = builders[next++ % builders.length]
    if (build === undefined) throw new Error('nothing to build')
    return build(random)
  }
}

function inWordsOf(model: Model, conversation: Conversation): CountedRequest {
  const family = FAMILIES[model]
  const { texts, calls, tools } = conversation
  const said = [...texts, ...calls.flatMap(({ tool, args, result }) => [tool.name, JSON.stringify(args), result])]
  const textTokens = said.reduce((sum, text) => sum + countText(text), 0) * family.times
  const toolTokens = tools.length === 0 ? 0 : family.tools + countText(JSON.stringify(tools)) * family.toolTimes
  const frame = (texts.length + calls.length * 2) * family.turn + calls.length * 2 * family.call
  return { ...WIRES[family.wire](model, conversation), inputTokens: Math.round(textTokens + toolTokens + frame) + 3 }
}

const WIRES: Readonly<
  Record<Family['wire'], (model: string, conversation: Conversation) => Omit<CountedRequest, 'inputTokens'>>
> = {
  openai: openAiWire,
  groq: (model, conversation) => ({
    ...openAiWire(model, conversation),
    provider: 'groq',
    path: '/openai/v1/chat/completions',
  }),
  anthropic: (model, { texts, calls, tools, sealed }) => {
    const history = calls.flatMap(({ tool, args, result }, i) => [
      { role: 'assistant', content: [{ type: 'tool_use', id: `toolu_01Abcdefgh${i}`, name: tool.name, input: args }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: `toolu_01Abcdefgh${i}`, content: result }] },
    ])
    const thinking = sealed === undefined ? [] : [{ type: 'redacted_thinking', data: sealed }]
    const messages = texts.map((text, i) => ({
      role: 'user',
      content: [...(i === 0 ? thinking : []), { type: 'text', text }],
    }))
    const definitions = tools.map(({ name, description, parameters }) => ({
      name,
      description,
      input_schema: parameters,
    }))
    return {
      provider: 'anthropic',
      path: '/v1/messages',
      body: {
        model,
        max_tokens: 1_024,
        messages: [...messages, ...history],
        ...(tools.length > 0 && { tools: definitions }),
      },
    }
  },
  google: (model, { texts, calls, tools, sealed }) => {
    const history = calls.flatMap(({ tool, args, result }) => [
      { role: 'model', parts: [{ functionCall: { name: tool.name, args } }] },
      { role: 'user', parts: [{ functionResponse: { name: tool.name, response: { result } } }] },
    ])
    const signature = sealed === undefined ? {} : { thoughtSignature: sealed }
    const contents = texts.map((text, i) => ({ role: 'user', parts: [{ text, ...(i === 0 && signature) }] }))
    return {
      provider: 'google',
      path: `/v1beta/models/${model}:generateContent`,
      body: {
        contents: [...contents, ...history],
        ...(tools.length > 0 && { tools: [{ functionDeclarations: tools }] }),
      },
    }
  },
  'aws-bedrock': (model, { texts, calls, tools }) => {
    const history = calls.flatMap(({ tool, args, result }, i) => [
      { role: 'assistant', content: [{ toolUse: { toolUseId: `tooluse_${i}`, name: tool.name, input: args } }] },
      { role: 'user', content: [{ toolResult: { toolUseId: `tooluse_${i}`, content: [{ text: result }] } }] },
    ])
    const messages = texts.map((text) => ({ role: 'user', content: [{ text }] }))
    const specs = tools.map(({ name, description, parameters }) => ({
      toolSpec: { name, description, inputSchema: { json: parameters } },
    }))
    return {
      provider: 'aws-bedrock',
      path: `/model/${encodeURIComponent(model)}/converse`,
      body: { messages: [...messages, ...history], ...(tools.length > 0 && { toolConfig: { tools: specs } }) },
    }
  },
}

function openAiWire(model: string, { texts, calls, tools }: Conversation): Omit<CountedRequest, 'inputTokens'> {
  const history = calls.flatMap(({ tool, args, result }, i) => [
    {
      role: 'assistant',
      content: null,
      tool_calls: [
        { id: `call_Abcdefghij${i}`, type: 'function', function: { name: tool.name, arguments: JSON.stringify(args) } },
      ],
    },
    { role: 'tool', tool_call_id: `call_Abcdefghij${i}`, content: result },
  ])
  const functions = tools.map((definition) => ({ type: 'function', function: definition }))
  return { body: { model, messages: [...texts.map(user), ...history], ...(tools.length > 0 && { tools: functions }) } }
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

/** Returns one to three images at high detail, half of them inlined. */
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

const CORPUS = new URL('../fixtures/corpus/', import.meta.url)

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

/** Returns a generator of the same numbers from 0 to 1 for the same name (mulberry32). */
function seededRandom(name: string): Random {
  let state = [...name].reduce((hash, letter) => (Math.imul(hash, 31) + letter.charCodeAt(0)) | 0, 7)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
