import { expect, it } from 'vitest'
import { stackPaths } from './data-folder.ts'
import { welcomeText } from './welcome-text.ts'

const stack = {
  adminUrl: 'http://127.0.0.1:8081',
  gatewayUrls: ['http://127.0.0.1:8080'],
  operatorToken: 'slo_secret',
  paths: stackPaths('.sluice'),
}

it('shows the operator token when it has just been made, and names its file afterwards', () => {
  const first = welcomeText({ ...stack, isOperatorTokenNew: true })
  expect(first).toContain('slo_secret')
  const later = welcomeText({ ...stack, isOperatorTokenNew: false })
  expect(later).not.toContain('slo_secret')
  expect(later).toMatch(/Operator token +in \S*operator-token/)
})

it('says so when the token was made from another data folder', () => {
  const text = welcomeText({ ...stack, operatorToken: undefined, isOperatorTokenNew: false })
  expect(text).toMatch(/Operator token +created at the first start on this database/)
})

it('promises the admin API and no more', () => {
  expect(welcomeText({ ...stack, isOperatorTokenNew: false })).not.toMatch(/console/i)
})
