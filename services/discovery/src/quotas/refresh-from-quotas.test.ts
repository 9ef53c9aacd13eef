import { CONNECTION_DEFAULTS, type ProjectedConnection } from '@sluice/contracts'
import { expect, it } from 'vitest'
import { refreshFromQuotas } from './refresh-from-quotas.ts'

const config = { iamRoleArn: 'arn:aws:iam::123456789012:role/r', externalId: 'x', region: 'us-east-1' }
const connection: ProjectedConnection = {
  id: 'c',
  name: 'c',
  provider: 'aws-bedrock',
  config,
  ...CONNECTION_DEFAULTS,
  version: 1,
}

it('has a connection erased again that was deleted while its limits were learned', async () => {
  let exists = true
  const forgotten: string[] = []
  const refresh = refreshFromQuotas({
    store: {
      learn: async () => {
        exists = false
        return []
      },
    },
    projection: { refresh: async () => undefined },
    connections: { exists: async () => exists, find: async () => connection },
    quotas: { quotasOf: async () => [] },
    forget: (connectionId) => void forgotten.push(connectionId),
    announce: () => undefined,
    onUnreadable: () => undefined,
    now: () => 0,
  })
  await refresh('c')
  expect(forgotten).toEqual(['c'])
})
