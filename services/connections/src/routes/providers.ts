import { ProviderId } from '@sluice/contracts'
import { CATALOGUE, secretFields } from '@sluice/providers'
import { Type } from 'typebox'
import type { ConnectionRules } from '../domain/validate-connection.ts'
import type { Routes } from './routes.ts'

/** The catalogue of providers. */
export function providerRoutes({ isAvailable }: Pick<ConnectionRules, 'isAvailable'>): Routes {
  const items = Object.values(CATALOGUE).map((entry) => ({
    id: entry.id,
    name: entry.name,
    available: isAvailable(entry.id),
    config: entry.config,
    secretFields: secretFields(entry),
    docsUrl: entry.docsUrl,
  }))
  return (app) => {
    app.get('/providers', { schema: { tags: ['providers'], response: { 200: ProviderList } } }, () => ({ items }))
  }
}

const ProviderList = Type.Object({
  items: Type.Array(
    Type.Object({
      id: ProviderId,
      name: Type.String(),
      available: Type.Boolean({ description: 'Whether connections to it can be made' }),
      config: Type.Unknown({ description: "JSON schema of a connection's config" }),
      secretFields: Type.Array(Type.String(), { description: 'Fields of config that are never answered' }),
      docsUrl: Type.String(),
    }),
  ),
})
