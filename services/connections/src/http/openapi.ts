import swagger from '@fastify/swagger'
import { CSRF_HEADER, SESSION_COOKIE } from './authentication.ts'
import { Problem } from './problem.ts'
import type { App } from './routes.ts'

/** Has every route that is added to the app described in OpenAPI. */
export async function describeApi(app: App): Promise<void> {
  app.addSchema(Problem)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Sluice admin API', version: '1' },
      components: {
        securitySchemes: {
          operatorToken: { type: 'http', scheme: 'bearer', description: 'An operator token: slo_…' },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: SESSION_COOKIE,
            description: `A console session. Everything but reading needs the header ${CSRF_HEADER}: 1 besides.`,
          },
        },
      },
      security: [{ operatorToken: [] }, { session: [] }],
    },
    refResolver: { buildLocalReference: ({ $id }, _baseUri, _fragment, index) => String($id ?? `schema-${index}`) },
  })
}

/** Describes the answer to what is wrong, which is the same on every route of the scope; before its routes are added. */
export function describeProblems(scope: App): void {
  scope.addHook('onRoute', ({ schema }) => {
    if (schema === undefined) return
    const problem = {
      description: 'What is wrong, as RFC 9457 problem details.',
      content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
    }
    schema.response = { ...(schema.response as object | undefined), default: problem }
  })
}
