import type {
  ContentBlock,
  DocumentFormat,
  ImageFormat,
  ReasoningContentBlock,
  ToolUseBlock as SdkToolUse,
  Tool,
  ToolConfiguration,
} from '@aws-sdk/client-bedrock-runtime'
import type { OpaqueJson } from '../wire/opaque-json.ts'

// The SDK's types, but for bytes, which are sent in base64, and JSON, which goes on as it is written.

export type TextBlock = Pick<ContentBlock.TextMember, 'text'>
export interface ToolUseBlock {
  readonly toolUse: Omit<SdkToolUse, 'input'> & { readonly input: OpaqueJson }
}
export interface ToolResultBlock {
  readonly toolResult: {
    readonly toolUseId: string
    readonly content: readonly (TextBlock | ImageBlock | DocumentBlock)[]
  }
}

export interface ImageBlock {
  readonly image: { readonly format: ImageFormat; readonly source: { readonly bytes: string } }
}

export interface DocumentBlock {
  readonly document: {
    readonly format: DocumentFormat
    readonly name: string
    readonly source: { readonly bytes: string }
  }
}

export interface ReasoningBlock {
  readonly reasoningContent:
    | Pick<ReasoningContentBlock.ReasoningTextMember, 'reasoningText'>
    | { readonly redactedContent: string }
}

export interface ToolSpec {
  readonly toolSpec: Omit<Tool.ToolSpecMember['toolSpec'], 'inputSchema'> & {
    readonly inputSchema: { readonly json: object }
  }
}

export type ToolConfig = Omit<ToolConfiguration, 'tools'> & { readonly tools: readonly ToolSpec[] }
