import type { ProviderRequest, ProviderRoute, Reply } from '../simulated-provider.ts'
import { invalidRequest } from './errors.ts'

/** https://platform.claude.com/docs/en/api/versioning; the first version, 2023-01-01, is not simulated. */
export type ApiVersion = (typeof VERSIONS)[number]

/** A route that asks for the header `anthropic-version`. */
export function versionedRoute(
  method: ProviderRoute['method'],
  path: string,
  handle: (request: ProviderRequest, version: ApiVersion) => Reply,
): ProviderRoute {
  return {
    method,
    path,
    handle(request) {
      const stated = request.headers['anthropic-version']
      if (stated === undefined) return invalidRequest('anthropic-version: header is required', request.requestId)
      const version = VERSIONS.find((known) => known === stated)
      if (version !== undefined) return handle(request, version)
      return invalidRequest(`anthropic-version: "${stated}" is not a valid version`, request.requestId)
    },
  }
}

const VERSIONS = ['2023-06-01', '2026-10-21'] as const
