import { jsonResponse } from '../core/responses.ts'
import type { ProviderRequest, ProviderRoute, RouteResult } from '../core/simulated-provider.ts'
import { invalidRequest } from './errors.ts'

/** A model that the simulated Anthropic offers. */
export interface Model {
  readonly id: string
  /** The id without its date; some ids have none. */
  readonly alias: string
  readonly displayName: string
  /** RFC 3339. */
  readonly createdAt: string
  readonly maxOutputTokens: number
  /** Newer models accept only the defaults of the sampling parameters. */
  readonly sampling: boolean
  /** The types of `thinking` that the model supports. */
  readonly thinking: readonly ThinkingType[]
}

/** Older models think within a budget (`enabled`), newer ones decide for themselves. */
export type ThinkingType = 'enabled' | 'adaptive'

/** Finds a model by its dated id or its alias. */
export function findModel(id: string): Model | undefined {
  return BY_NAME.get(id)
}

/** A selection from https://platform.claude.com/docs/en/about-claude/models/overview; the dates are approximate. */
const MODELS: readonly Model[] = [
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

/** Defines a route that requires the header `anthropic-version`. */
export function versionedRoute(
  method: ProviderRoute['method'],
  path: string,
  handle: (request: ProviderRequest) => RouteResult,
): ProviderRoute {
  return {
    method,
    path,
    handle(request) {
      const stated = request.headers['anthropic-version']
      if (stated === undefined) return invalidRequest('anthropic-version: header is required', request.requestId)
      if (VERSIONS.some((version) => version === stated)) return handle(request)
      return invalidRequest(`anthropic-version: "${stated}" is not a valid version`, request.requestId)
    },
  }
}

/** https://platform.claude.com/docs/en/api/versioning; the oldest version, 2023-01-01, is not simulated. */
const VERSIONS = ['2023-06-01', '2026-10-21']

/** https://platform.claude.com/docs/en/api/models-list; all on one page. */
export const listModels = versionedRoute('GET', '/v1/models', () => ({
  respond: () =>
    jsonResponse({
      data: MODELS.map(describe),
      has_more: false,
      first_id: MODELS.at(0)?.id ?? null,
      last_id: MODELS.at(-1)?.id ?? null,
    }),
}))

/** https://platform.claude.com/docs/en/api/models */
export const retrieveModel = versionedRoute('GET', '/v1/models/:model', ({ params, requestId }) => {
  const model = findModel(params.model ?? '')
  if (model === undefined) return invalidRequest(`model: ${params.model}`, requestId, 404)
  return { respond: () => jsonResponse(describe(model)) }
})

function describe(model: Model) {
  return { type: 'model', id: model.id, display_name: model.displayName, created_at: model.createdAt }
}
