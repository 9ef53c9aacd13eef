import { isRecord } from './is-record.ts'

/** The `model` of a JSON body; empty where it names none. */
export function namedModel(body: unknown): string {
  return isRecord(body) && typeof body.model === 'string' ? body.model : ''
}
