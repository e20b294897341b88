# lib/infrastructure
