/** A model that the simulated Bedrock offers. */
export interface Model {
  readonly id: string
  readonly kind: ModelKind
  /** The one of `additionalModelRequestFields` that makes it reason, if it can. */
  readonly reasoning?: 'thinking' | 'reasoningConfig'
  /** It has no output by a schema, though others of its kind have. */
  readonly hasNoOutputFormat?: true
}

/** `anthropic` models take Anthropic's own bodies in `invoke`; `titan-embedding` models nothing else than theirs. */
export type ModelKind = 'anthropic' | 'text' | 'titan-embedding'

/** Finds a model by its id, by the id of an inference profile (`us.…`), or by the ARN of either. */
export function findModel(identifier: string): Model | undefined {
  const id = identifier.replace(ARN, '').replace(/^(us|eu|apac|global)\./, '')
  return MODELS.find((model) => model.id === id)
}

const ARN = /^arn:aws:bedrock:[\w-]*:\d*:(foundation-model|inference-profile)\//

/** A choice of https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html. */
const MODELS: readonly Model[] = [
  { id: 'anthropic.claude-sonnet-4-5-20250929-v1:0', kind: 'anthropic', reasoning: 'thinking' },
  { id: 'anthropic.claude-haiku-4-5-20251001-v1:0', kind: 'anthropic', reasoning: 'thinking' },
  { id: 'anthropic.claude-opus-4-7', kind: 'anthropic', reasoning: 'thinking', hasNoOutputFormat: true },
  { id: 'amazon.nova-pro-v1:0', kind: 'text' },
  { id: 'amazon.nova-lite-v1:0', kind: 'text' },
  { id: 'amazon.nova-2-lite-v1:0', kind: 'text', reasoning: 'reasoningConfig' },
  { id: 'meta.llama3-3-70b-instruct-v1:0', kind: 'text' },
  { id: 'amazon.titan-embed-text-v2:0', kind: 'titan-embedding' },
]
