import { memberWatch } from '../naming/ambiguous-member.ts'
import { unlistedModels } from '../naming/named-models.ts'
import type { Operation } from '../provider-adapter.ts'
import { isRecord } from '../wire/is-record.ts'
import { namedModel } from '../wire/named-model.ts'

/**
 * Every model that a request names: that of its path, and those that the body, a batch and the requests in it name, as Google's types
 * let each do. Never throws, whatever the shape.
 */
export function googleNamedModels(operation: Operation, body: unknown): string[] {
  if (!operation.usesModel || operation.unlisted) return unlistedModels(operation, body).map(withoutCollection)
  const { batch, requests, generateContentRequest, generate_content_request } = recordOf(body)
  const { inputConfig, input_config } = recordOf(batch)
  const { requests: inlined } = recordOf(recordOf(inputConfig ?? input_config).requests)
  const named = [
    body,
    batch,
    generateContentRequest,
    generate_content_request,
    ...arrayOf(requests),
    ...arrayOf(inlined).map((entry) => recordOf(entry).request),
  ].map(googleModel)
  return [operation.model ?? '', ...named.filter((name) => name !== '')]
}

/** The model of a body, which names it as `models/gemini-2.5-pro`; empty where it names none. */
export function googleModel(body: unknown): string {
  return withoutCollection(namedModel(body))
}

export const GOOGLE_MODEL_MEMBERS = memberWatch([
  'model',
  'batch',
  'inputConfig',
  'input_config',
  'requests',
  'request',
  'generateContentRequest',
  'generate_content_request',
])

function withoutCollection(model: string): string {
  return model.replace(/^models\//, '')
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {}
}

function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
