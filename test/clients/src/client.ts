import type { ProviderId } from '@sluice/contracts'
import { z } from 'zod'

/** One client library with one provider, used as its own documentation says. */
export interface ClientUnderTest {
  /** Library and endpoint, for test names. */
  readonly title: string
  readonly provider: ProviderId
  /** The API that it calls: the provider's own, or the unified one. */
  readonly surface: 'native' | 'unified'
  readonly model: string
  /** Absent if the client or the provider has none. */
  readonly embedding?: { readonly model: string; readonly dimensions: number }
  /** The type of the error that it raises for each status. */
  readonly errors: Readonly<Record<401 | 404 | 429, string>>
  /** Absent if the client never retries. */
  readonly retries?: 'as requested' | 'with its own back-off'
  /** The excess output tokens that the client reports for each streamed response, by a fault of its own. */
  readonly streamSurplusTokens?: number
  create(access: Access): Client
  /** Reads an error that it raised. */
  readError(error: unknown): ReportedError
}

/** The settings that an application needs for Sluice: base URL, key and the names of models. */
export interface Access {
  /** `…/connections/NAME` natively, `…/v1` unified. */
  readonly baseURL: string
  readonly apiKey: string
  readonly model: string
  readonly embeddingModel: string
  /** The library's default when absent. */
  readonly maxRetries?: number
}

export interface Client {
  ask(): Promise<Answer>
  /** Passes the text to `onText` in pieces as it arrives. */
  stream(onText?: (text: string) => void, signal?: AbortSignal): Promise<Answer>
  /** Lets the model call {@link TOOL} any number of times, and returns its last text. */
  useTool(how: 'plain' | 'streamed'): Promise<ToolRun>
  /** Requests an object of {@link LEVEL_SCHEMA}. */
  structured(): Promise<unknown>
  embed?(texts: string[]): Promise<number[][]>
}

export interface Answer {
  readonly text: string
  /** As the client reports them. */
  readonly inputTokens: number | undefined
  readonly outputTokens: number | undefined
}

export interface ToolRun {
  /** The arguments of each call, in order. */
  readonly calls: readonly unknown[]
  readonly text: string
  /** Of all steps together. */
  readonly tokens: number
}

export interface ReportedError {
  readonly type: string
  readonly status: number | undefined
  readonly message: string
  /** The header, if the client exposes headers. */
  readonly retryAfter?: string | undefined
}

export const PROMPT = 'What does a sluice do — naïve 🙂?'
export const MAX_OUTPUT_TOKENS = 400

export const TOOL = {
  name: 'get_level',
  description: 'Returns the level of the water at a gate.',
  schema: z.object({ gate: z.string() }),
  jsonSchema: {
    type: 'object',
    properties: { gate: { type: 'string' } },
    required: ['gate'],
    additionalProperties: false,
  },
  result: '3 m',
}

export const LEVEL_SCHEMA = z.object({ gate: z.string(), meters: z.number(), tide: z.enum(['ebb', 'flow']) })

export const LEVEL_JSON_SCHEMA = {
  type: 'object',
  properties: { gate: { type: 'string' }, meters: { type: 'number' }, tide: { type: 'string', enum: ['ebb', 'flow'] } },
  required: ['gate', 'meters', 'tide'],
  additionalProperties: false,
}

export const MODELS: Readonly<Record<ProviderId, string>> = {
  openai: 'gpt-4.1-mini',
  anthropic: 'claude-sonnet-4-5',
  google: 'gemini-2.5-flash',
  groq: 'llama-3.3-70b-versatile',
  'aws-bedrock': 'anthropic.claude-sonnet-4-5-20250929-v1:0',
}

export const EMBEDDINGS: Readonly<
  Partial<Record<ProviderId, { readonly model: string; readonly dimensions: number }>>
> = {
  openai: { model: 'text-embedding-3-small', dimensions: 1536 },
  google: { model: 'gemini-embedding-001', dimensions: 3072 },
  'aws-bedrock': { model: 'amazon.titan-embed-text-v2:0', dimensions: 1024 },
}

/** The error types of the OpenAI, Anthropic and Groq SDKs, which have the same names for them. */
export const SDK_ERRORS = { 401: 'AuthenticationError', 404: 'NotFoundError', 429: 'RateLimitError' } as const

/** Reads an error of these SDKs and of Google's two. */
export function readSdkError(error: unknown): ReportedError {
  if (!(error instanceof Error)) throw new TypeError(`not an error: ${String(error)}`)
  const { status, headers } = error as Error & { status?: number; headers?: Headers }
  const retryAfter = headers?.get('retry-after') ?? undefined
  return { type: error.constructor.name, status, message: error.message, retryAfter }
}

/** Reads an error of the AWS SDK. */
export function readAwsError(error: unknown): ReportedError {
  if (!(error instanceof Error)) throw new TypeError(`not an error: ${String(error)}`)
  const { $metadata: metadata } = error as Error & { $metadata?: { httpStatusCode?: number } }
  return { type: error.name, status: metadata?.httpStatusCode, message: error.message }
}
