import type { ListedModel } from '../unified-api.ts'

/** @param createdAtS Unix seconds; anything else is not known */
export function listedModel(id: string, createdAtS: unknown): ListedModel {
  return typeof createdAtS === 'number' && Number.isSafeInteger(createdAtS) ? { id, createdAtS } : { id }
}
