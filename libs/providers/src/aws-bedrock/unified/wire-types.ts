import type {
  ContentBlock,
  DocumentFormat,
  ImageFormat,
  ReasoningContentBlock,
  ToolUseBlock as SdkToolUse,
} from '@aws-sdk/client-bedrock-runtime'

// The SDK's types, but for bytes, which are sent in base64.

export type TextBlock = Pick<ContentBlock.TextMember, 'text'>
export type ToolUseBlock = Pick<ContentBlock.ToolUseMember, 'toolUse'>
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

/** Whatever JSON can hold. */
export type Document = Exclude<SdkToolUse['input'], undefined>
