import type {
  FunctionCall,
  FunctionCallingMode,
  FunctionDeclaration,
  FunctionResponse,
  GenerationConfig,
  GenerativeContentBlob,
} from '@google/generative-ai'
import type { OpaqueJson } from '../wire/opaque-json.ts'

/** A request, of the SDK's types where they know what the API takes today. @see https://ai.google.dev/api/generate-content */
export interface GeminiRequest {
  readonly contents: readonly GeminiContent[]
  readonly systemInstruction?: { readonly parts: readonly GeminiPart[] }
  readonly tools?: readonly { readonly functionDeclarations: readonly GeminiFunction[] }[]
  readonly toolConfig?: { readonly functionCallingConfig: CallingConfig }
  readonly generationConfig: GeminiConfig
}

export interface GeminiContent {
  readonly role: 'user' | 'model'
  readonly parts: readonly GeminiPart[]
}

/** @see https://ai.google.dev/api/caching#Part */
export type GeminiPart =
  | { readonly text: string; readonly thoughtSignature?: string }
  | { readonly inlineData: GenerativeContentBlob }
  | { readonly functionCall: GeminiCall; readonly thoughtSignature?: string }
  | { readonly functionResponse: FunctionResponse & { readonly id?: string; readonly parts?: readonly GeminiPart[] } }

export interface GeminiCall extends Omit<FunctionCall, 'args'> {
  readonly id?: string
  readonly args: OpaqueJson
}

/** @see https://ai.google.dev/api/caching#FunctionDeclaration */
export interface GeminiFunction extends Pick<FunctionDeclaration, 'name' | 'description'> {
  /** JSON schema, where the older `parameters` takes a part of OpenAPI's. */
  readonly parametersJsonSchema?: object
}

/** @see https://ai.google.dev/api/caching#FunctionCallingConfig */
export interface CallingConfig {
  readonly mode: `${FunctionCallingMode}` | 'VALIDATED'
  readonly allowedFunctionNames?: readonly string[]
}

/** What is undefined is left out. @see https://ai.google.dev/api/generate-content#generationconfig */
export type GeminiConfig = {
  readonly [Name in keyof GeminiSettings]?: GeminiSettings[Name] | undefined
}

interface GeminiSettings extends GenerationConfig {
  seed: number
  /** JSON schema, where the older `responseSchema` takes a part of OpenAPI's. */
  responseJsonSchema: object
  thinkingConfig: ThinkingConfig
  mediaResolution: 'MEDIA_RESOLUTION_LOW' | 'MEDIA_RESOLUTION_HIGH'
}

/** Either a budget or a level. @see https://ai.google.dev/gemini-api/docs/thinking */
export interface ThinkingConfig {
  readonly includeThoughts?: boolean
  /** Tokens. 0: no thinking. */
  readonly thinkingBudget?: number
  readonly thinkingLevel?: ThinkingLevel
}

export type ThinkingLevel = 'minimal' | 'low' | 'medium' | 'high'
