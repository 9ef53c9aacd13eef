import { expect, it } from 'vitest'
import { awsEnvironment } from './aws-environment.ts'

it('tells those who reach AWS who they are there, and nobody else', () => {
  const aws = { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 'secret', STS_ENDPOINT: 'https://sts' }
  const keys = { KEY_SERVICE: 'aws-kms', KMS_KEY_ID: 'alias/sluice' }
  const quotas = { SERVICE_QUOTAS_ENDPOINT: 'https://quotas' }
  expect(awsEnvironment({ ...aws, ...keys, ...quotas, HOME: '/root', NOTHING: undefined })).toEqual({
    gateway: aws,
    connections: { ...aws, ...keys },
    discovery: { ...aws, ...quotas },
  })
})
