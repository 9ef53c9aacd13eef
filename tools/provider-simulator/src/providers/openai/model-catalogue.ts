/** A model that the simulated OpenAI offers. */
export interface Model {
  readonly id: string
  /** The dated version that answers name in place of the alias. */
  readonly snapshot: string
  /** Unix seconds. */
  readonly createdAtS: number
  readonly kind: ModelKind
  /** Reasoning models refuse `max_tokens`. */
  readonly reasoning: boolean
  /** Length of its embeddings. */
  readonly dimensions?: number
}

export type ModelKind = 'chat' | 'completion' | 'embedding'

/** Finds a model by its alias or its snapshot. */
export function findModel(id: string): Model | undefined {
  return BY_NAME.get(id)
}

const chat = { kind: 'chat', reasoning: false } as const
const reasoning = { kind: 'chat', reasoning: true } as const
const completion = { kind: 'completion', reasoning: false } as const
const embedding = { kind: 'embedding', reasoning: false } as const

/** https://platform.openai.com/docs/models; a choice of each kind. */
export const MODELS: readonly Model[] = [
  { id: 'gpt-4o', snapshot: 'gpt-4o-2024-08-06', createdAtS: 1_715_367_049, ...chat },
  { id: 'gpt-4o-mini', snapshot: 'gpt-4o-mini-2024-07-18', createdAtS: 1_721_172_741, ...chat },
  { id: 'gpt-4.1', snapshot: 'gpt-4.1-2025-04-14', createdAtS: 1_744_316_542, ...chat },
  { id: 'gpt-4.1-mini', snapshot: 'gpt-4.1-mini-2025-04-14', createdAtS: 1_744_318_173, ...chat },
  { id: 'gpt-4.1-nano', snapshot: 'gpt-4.1-nano-2025-04-14', createdAtS: 1_744_321_707, ...chat },
  { id: 'gpt-5', snapshot: 'gpt-5-2025-08-07', createdAtS: 1_754_425_777, ...reasoning },
  { id: 'gpt-5-mini', snapshot: 'gpt-5-mini-2025-08-07', createdAtS: 1_754_425_928, ...reasoning },
  { id: 'gpt-5-nano', snapshot: 'gpt-5-nano-2025-08-07', createdAtS: 1_754_426_384, ...reasoning },
  { id: 'babbage-002', snapshot: 'babbage:2023-07-21-v2', createdAtS: 1_692_634_615, ...completion },
  {
    id: 'gpt-3.5-turbo-instruct',
    snapshot: 'gpt-3.5-turbo-instruct:20230824-v2',
    createdAtS: 1_692_901_427,
    ...completion,
  },
  {
    id: 'text-embedding-3-small',
    snapshot: 'text-embedding-3-small',
    createdAtS: 1_705_948_997,
    dimensions: 1536,
    ...embedding,
  },
  {
    id: 'text-embedding-3-large',
    snapshot: 'text-embedding-3-large',
    createdAtS: 1_705_953_180,
    dimensions: 3072,
    ...embedding,
  },
]

const BY_NAME = new Map(MODELS.flatMap((model) => [[model.id, model] as const, [model.snapshot, model] as const]))
