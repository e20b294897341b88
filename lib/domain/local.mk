# lib/domain
