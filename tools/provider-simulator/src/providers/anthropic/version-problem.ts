import { recordsOf } from '../../core/is-record.ts'
import type { ApiVersion } from './api-version.ts'

/**
 * What version 2026-10-21 refuses in messages and its predecessor took: documents from the assistant, and citations
 * from the user (https://platform.claude.com/docs/en/api/migration-2026-10-21). Undefined if there is nothing.
 */
export function versionProblem(json: Readonly<Record<string, unknown>>, version: ApiVersion): string | undefined {
  if (version === '2023-06-01') return undefined
  for (const [index, { role, content }] of recordsOf(json.messages).entries()) {
    for (const [at, { type, citations }] of recordsOf(content).entries()) {
      const place = `messages.${index}.content.${at}`
      if (role === 'assistant' && type === 'document') return `${place}: \`document\` blocks are not permitted here`
      const cites = role === 'user' && type === 'text' && Array.isArray(citations) && citations.length > 0
      if (cites) return `${place}.citations: Extra inputs are not permitted`
    }
  }
  return undefined
}
