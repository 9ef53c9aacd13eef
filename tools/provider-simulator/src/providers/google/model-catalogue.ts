/** A model that the simulated Google offers. */
export interface Model {
  readonly id: string
  readonly displayName: string
  readonly version: string
  readonly inputTokenLimit: number
  readonly outputTokenLimit: number
  /** What can be called on it, after the colon of the path. */
  readonly methods: readonly string[]
  /** How a request says how much to think, if it can. */
  readonly thinking?: 'thinkingLevel' | 'thinkingBudget'
  /** Length of its embeddings, if it makes any. */
  readonly dimensions?: number
}

/** Finds a model by its id, without `models/` before it. */
export function findModel(id: string): Model | undefined {
  return MODELS.find((model) => model.id === id)
}

const generation = {
  inputTokenLimit: 1_048_576,
  methods: ['generateContent', 'streamGenerateContent', 'countTokens'],
} as const
const embedding = { outputTokenLimit: 1, methods: ['embedContent', 'batchEmbedContents', 'countTokens'] } as const

/** https://ai.google.dev/gemini-api/docs/models; a choice of each kind. */
export const MODELS: readonly Model[] = [
  {
    id: 'gemini-3-pro-preview',
    displayName: 'Gemini 3 Pro Preview',
    version: '3',
    outputTokenLimit: 65_536,
    thinking: 'thinkingLevel',
    ...generation,
  },
  {
    id: 'gemini-2.5-pro',
    displayName: 'Gemini 2.5 Pro',
    version: '2.5',
    outputTokenLimit: 65_536,
    thinking: 'thinkingBudget',
    ...generation,
  },
  {
    id: 'gemini-2.5-flash',
    displayName: 'Gemini 2.5 Flash',
    version: '001',
    outputTokenLimit: 65_536,
    thinking: 'thinkingBudget',
    ...generation,
  },
  { id: 'gemini-2.0-flash', displayName: 'Gemini 2.0 Flash', version: '2.0', outputTokenLimit: 8192, ...generation },
  {
    id: 'gemini-embedding-001',
    displayName: 'Gemini Embedding 001',
    version: '001',
    inputTokenLimit: 2048,
    dimensions: 3072,
    ...embedding,
  },
]
