import { ProbeFailure } from './probe-failure.ts'

/**
 * The ids in a list of models, as an SDK gives it. No provider lists none: whoever answers so is not the provider.
 * @param models whatever came @param field where a model has its id
 */
export function modelIds(models: unknown, field: 'id' | 'name' = 'id'): string[] {
  const listed: unknown[] = Array.isArray(models) ? models : []
  const ids = listed.flatMap((model) => {
    const id =
      typeof model === 'object' && model !== null ? (model as Readonly<Record<string, unknown>>)[field] : undefined
    return typeof id === 'string' ? [id] : []
  })
  if (ids.length > 0) return ids
  throw new ProbeFailure('provider_error', 'There was an answer, but no list of models in it. Is the base URL right?')
}
