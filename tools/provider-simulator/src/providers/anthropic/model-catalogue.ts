/** A model that the simulated Anthropic offers. */
export interface Model {
  readonly id: string
  /** Names the same model, without its date; some ids have none. */
  readonly alias: string
  readonly displayName: string
  /** RFC 3339. */
  readonly createdAt: string
  readonly maxOutputTokens: number
  /** Newer models take the sampling parameters at their defaults only. */
  readonly sampling: boolean
  /** The types of `thinking` that make it think. */
  readonly thinking: readonly ThinkingType[]
}

/** Older models think within a budget (`enabled`), newer ones as much as they see fit. */
export type ThinkingType = 'enabled' | 'adaptive'

/** Finds a model by its dated id or its alias. */
export function findModel(id: string): Model | undefined {
  return BY_NAME.get(id)
}

/** A choice of https://platform.claude.com/docs/en/about-claude/models/overview, without claim to its dates. */
export const MODELS: readonly Model[] = [
  {
    id: 'claude-opus-4-7',
    alias: 'claude-opus-4-7',
    displayName: 'Claude Opus 4.7',
    createdAt: '2026-04-14T00:00:00Z',
    maxOutputTokens: 128_000,
    sampling: false,
    thinking: ['adaptive'],
  },
  {
    id: 'claude-sonnet-4-6',
    alias: 'claude-sonnet-4-6',
    displayName: 'Claude Sonnet 4.6',
    createdAt: '2026-02-17T00:00:00Z',
    maxOutputTokens: 128_000,
    sampling: true,
    thinking: ['enabled', 'adaptive'],
  },
  {
    id: 'claude-opus-4-5-20251101',
    alias: 'claude-opus-4-5',
    displayName: 'Claude Opus 4.5',
    createdAt: '2025-11-24T00:00:00Z',
    maxOutputTokens: 64_000,
    sampling: true,
    thinking: ['enabled'],
  },
  {
    id: 'claude-haiku-4-5-20251001',
    alias: 'claude-haiku-4-5',
    displayName: 'Claude Haiku 4.5',
    createdAt: '2025-10-15T00:00:00Z',
    maxOutputTokens: 64_000,
    sampling: true,
    thinking: ['enabled'],
  },
  {
    id: 'claude-sonnet-4-5-20250929',
    alias: 'claude-sonnet-4-5',
    displayName: 'Claude Sonnet 4.5',
    createdAt: '2025-09-29T00:00:00Z',
    maxOutputTokens: 64_000,
    sampling: true,
    thinking: ['enabled'],
  },
]

const BY_NAME = new Map(MODELS.flatMap((model) => [[model.id, model] as const, [model.alias, model] as const]))
