/**
 * The parts of the published formats that our pipelines use, closed: an unknown or misplaced key is an error. Sources: GitHub
 * "Workflow syntax for GitHub Actions", GitLab "CI/CD YAML syntax reference".
 */
const text = { type: 'string', minLength: 1 };
const strings = { type: 'array', items: text, minItems: 1 };
const scalars = { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean'] } };

const step = {
  type: 'object',
  additionalProperties: false,
  properties: {
    id: { type: 'string', pattern: '^[A-Za-z_][A-Za-z0-9_-]*$' },
    name: text,
    if: text,
    uses: { type: 'string', pattern: '^[\\w.-]+/[\\w.-]+(/[\\w.-]+)*@[\\w.-]+$' },
    run: text,
    with: scalars,
    env: scalars,
    shell: text,
    'working-directory': text,
    'continue-on-error': { type: 'boolean' },
    'timeout-minutes': { type: 'number' },
  },
  oneOf: [{ required: ['uses'] }, { required: ['run'] }],
  dependencies: { with: ['uses'], shell: ['run'] },
};

export const githubWorkflowSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['on', 'jobs'],
  properties: {
    name: text,
    on: {
      type: 'object',
      additionalProperties: false,
      minProperties: 1,
      properties: {
        workflow_dispatch: {
          type: 'object',
          additionalProperties: false,
          properties: {
            inputs: {
              type: 'object',
              additionalProperties: {
                type: 'object',
                additionalProperties: false,
                properties: {
                  description: text,
                  required: { type: 'boolean' },
                  default: { type: 'string' },
                  type: { enum: ['string', 'boolean', 'number', 'choice', 'environment'] },
                },
              },
            },
          },
        },
        schedule: {
          type: 'array',
          items: {
            type: 'object',
            additionalProperties: false,
            required: ['cron'],
            properties: { cron: { type: 'string', pattern: '^(\\S+ ){4}\\S+$' } },
          },
        },
      },
    },
    permissions: {
      type: 'object',
      propertyNames: { enum: ['actions', 'checks', 'contents', 'issues', 'pull-requests', 'statuses'] },
      additionalProperties: { enum: ['read', 'write', 'none'] },
    },
    concurrency: {
      type: 'object',
      additionalProperties: false,
      required: ['group'],
      properties: { group: text, 'cancel-in-progress': { type: 'boolean' } },
    },
    env: scalars,
    jobs: {
      type: 'object',
      minProperties: 1,
      propertyNames: { pattern: '^[A-Za-z_][A-Za-z0-9_-]*$' },
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        required: ['runs-on', 'steps'],
        properties: {
          name: text,
          'runs-on': text,
          'timeout-minutes': { type: 'number' },
          env: scalars,
          steps: { type: 'array', minItems: 1, items: step },
        },
      },
    },
  },
};

const job = {
  type: 'object',
  additionalProperties: false,
  required: ['script'],
  properties: {
    stage: text,
    image: text,
    timeout: text,
    resource_group: text,
    interruptible: { type: 'boolean' },
    variables: scalars,
    before_script: strings,
    script: strings,
    after_script: strings,
    rules: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        properties: {
          if: text,
          when: { enum: ['on_success', 'manual', 'always', 'never', 'delayed'] },
          allow_failure: { type: 'boolean' },
        },
      },
    },
    artifacts: {
      type: 'object',
      additionalProperties: false,
      // GitLab needs literal paths for `expose_as`.
      dependencies: { expose_as: { required: ['paths'], properties: { paths: { items: { pattern: '^[^$*]+$' } } } } },
      properties: {
        when: { enum: ['on_success', 'on_failure', 'always'] },
        expire_in: text,
        expose_as: text,
        paths: strings,
        reports: { type: 'object', additionalProperties: false, properties: { junit: text } },
      },
    },
  },
};

export const gitlabPipelineSchema = {
  type: 'object',
  properties: { stages: strings, variables: scalars },
  additionalProperties: job,
};
